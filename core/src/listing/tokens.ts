/** A word or string of a line, and where it stands (UTF-16 units from the line's start). */
export interface Token {
  readonly text: string;
  readonly from: number;
  readonly to: number;
}

/** The first words of a line, up to its comment. By hand: a long listing has 30,000 lines, read at each key. */
export function tokens(line: string, most = Number.POSITIVE_INFINITY): readonly Token[] {
  const found: Token[] = [];
  for (let at = 0; at < line.length && found.length < most; ) {
    const code = line.charCodeAt(at);
    if (code === HASH) break;
    if (isSpace(code)) at++;
    else {
      const to = code === QUOTE ? stringEnd(line, at + 1) : wordEnd(line, at + 1);
      found.push({ text: line.slice(at, to), from: at, to });
      at = to;
    }
  }
  return found;
}

/** Just behind the last word before the comment. */
export function factsEnd(line: string): number {
  const hash = line.indexOf("#");
  const facts = hash < 0 ? line : line.slice(0, hash);
  return hash < 0 || !facts.includes('"') ? facts.trimEnd().length : (tokens(line).at(-1)?.to ?? 0);
}

export function splitLines(text: string): readonly string[] {
  return text.split(/\r\n|\n|\r/);
}

const HASH = 35;
const QUOTE = 34;
const BACKSLASH = 92;

const isSpace = (code: number): boolean =>
  code === 32 || (code >= 9 && code <= 13) || (code >= 160 && /\s/.test(String.fromCharCode(code)));

function wordEnd(line: string, from: number): number {
  let at = from;
  for (; at < line.length; at++) {
    const code = line.charCodeAt(at);
    if (code === HASH || code === QUOTE || isSpace(code)) break;
  }
  return at;
}

/** Just behind the closing quote; the end of the line where there is none. */
function stringEnd(line: string, from: number): number {
  for (let at = from; at < line.length; at++) {
    const code = line.charCodeAt(at);
    if (code === QUOTE) return at + 1;
    if (code === BACKSLASH) at++;
  }
  return line.length;
}
