/** What is wrong with a JSON text, and where; JSON.parse does not say the place of everything. */
export class JsonError extends Error {
  /** "line 3, column 5", from 1. */
  readonly place: string;
  constructor(message: string, text: string, at: number) {
    super(message);
    const before = text.slice(0, at).split("\n");
    this.place = `line ${before.length}, column ${before.at(-1)!.length + 1}`;
  }
}

/** JSON.parse that says the place of what it cannot read. A byte order mark is skipped. */
export function parseJson(given: string): unknown {
  const text = given.replace(/^\ufeff/, "");
  try {
    return JSON.parse(text);
  } catch {
    const at = badPlace(text);
    throw new JsonError(reason(text, at), text, at);
  }
}

function reason(text: string, at: number): string {
  if (at >= text.trimEnd().length)
    return text.trim() === "" ? "the file is empty" : "the file ends too early";
  if (/^(\/\/|\/\*|#)/.test(text.slice(at)))
    return "comments are not allowed in JSON; delete this one";
  const before = text.slice(0, at).trimEnd();
  if (before.endsWith(",")) return "there is a comma too many before this";
  if (text[at] === "'") return "texts stand in double quotes in JSON";
  return `not expected here: ${JSON.stringify(text.slice(at).split(/\s/, 1)[0]!.slice(0, 20))}`;
}

const BLANK = /[ \t\r\n]*/y;
const TEXT = /"(?:[^"\\\r\n\t]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const SIMPLE = /(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\w.])/y;

/** Where the first token stands that cannot be there. */
function badPlace(text: string): number {
  let at = 0;
  const take = (token: RegExp): boolean => {
    token.lastIndex = at;
    const found = token.exec(text);
    at += found?.[0].length ?? 0;
    return found !== null;
  };
  const is = (character: string): boolean => {
    take(BLANK);
    if (text[at] !== character) return false;
    at++;
    return true;
  };
  const list = (end: string, item: () => boolean): boolean => {
    if (is(end)) return true;
    do if (!item()) return false;
    while (is(","));
    return is(end);
  };
  const key = (): boolean => {
    take(BLANK);
    return take(TEXT);
  };
  const value = (): boolean => {
    if (is("{")) return list("}", () => key() && is(":") && value());
    if (is("[")) return list("]", value);
    return take(TEXT) || take(SIMPLE);
  };
  if (value()) take(BLANK);
  return at;
}
