/** Names in a listing: bare where they are one plain word, else a JSON string. */

/** The columns of a unit's line, in their order. */
export const COLUMNS = ["importance", "contribution", "classes", "active", "with"] as const;
export type ColumnName = (typeof COLUMNS)[number];

export const isColumn = (word: string): word is ColumnName =>
  (COLUMNS as readonly string[]).includes(word);

export function name(text: string): string {
  return /^[^\s"#\p{C}]+$/u.test(text) && !isColumn(text) ? text : quoted(text);
}

/** Escapes what would end a line or not be seen, besides what JSON escapes. */
export function quoted(text: string): string {
  return JSON.stringify(text).replace(/[\p{C}\u2028\u2029]/gu, (match) =>
    Array.from(
      { length: match.length },
      (_, i) => `\\u${match.charCodeAt(i).toString(16).padStart(4, "0")}`,
    ).join(""),
  );
}

/** What a token names; a string that is broken stands for its own characters. */
export function unquoted(token: string): string {
  if (!token.startsWith('"')) return token;
  try {
    return String(JSON.parse(token));
  } catch {
    return token.slice(1);
  }
}

/** A fact of the file's as text on one line that starts no comment. */
export function plain(text: string): string {
  return text
    .replace(/[\p{C}\u2028\u2029]/gu, " ")
    .replaceAll("#", "＃")
    .replaceAll('"', "'")
    .trim();
}
