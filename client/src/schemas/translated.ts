export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json };

/** Keys of a JSON schema whose strings are for people. */
const SHOWN = new Set(["title", "description"]);

/** The texts of a schema that editors show, each once. */
export function shownTexts(schema: Json): ReadonlySet<string> {
  const texts = new Set<string>();
  translated(schema, (text) => {
    texts.add(text);
    return text;
  });
  return texts;
}

/** A schema with other texts in place of those that editors show. */
export function translated(schema: Json, text: (english: string) => string): Json {
  if (Array.isArray(schema)) return schema.map((each) => translated(each, text));
  if (typeof schema !== "object" || schema === null) return schema;
  return Object.fromEntries(
    Object.entries(schema).map(([key, value]) => [
      key,
      SHOWN.has(key) && typeof value === "string" ? text(value) : translated(value, text),
    ]),
  );
}
