/** A change of a text, by offsets. */
export interface Change {
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

/**
 * The change that sets a member of an object in a JSON text and leaves everything else as it is written.
 * Objects on the way that are missing are made. Undefined where something else is in the way.
 * @param json a valid JSON text
 * @param path keys and indices that lead to the member, its own key last
 * @param value JSON of the value
 */
export function setMember(
  json: string,
  path: readonly (string | number)[],
  value: string,
): Change | undefined {
  let open = json.search(/[[{]/);
  for (const [depth, key] of path.entries()) {
    const inside = childrenOf(json, open);
    const found = inside.find((child) => child.key === key);
    const isLast = depth === path.length - 1;
    if (found === undefined) {
      if (json[open] !== "{") return undefined;
      const made = path.slice(depth + 1).reduceRight<string>((v, k) => `{ "${k}": ${v} }`, value);
      return inserted(json, open, inside, `"${key}": ${made}`);
    }
    if (isLast) return { from: found.from, to: found.to, text: value };
    if (json[found.from] !== "{" && json[found.from] !== "[") return undefined;
    open = found.from;
  }
  return undefined;
}

interface Child {
  readonly key: string | number;
  /** Of the member, with its key. */
  readonly start: number;
  /** Of the value. */
  readonly from: number;
  readonly to: number;
}

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s"{}[\],:]+/g;

/** The members or items of the object or list that opens at an offset. */
function childrenOf(json: string, open: number): readonly Child[] {
  const children: Child[] = [];
  const isList = json[open] === "[";
  let depth = 0;
  let key: string | number | undefined = isList ? 0 : undefined;
  let start = -1;
  let from = -1;
  let to = -1;
  for (const { 0: token, index } of json.slice(open).matchAll(TOKEN)) {
    const at = open + index;
    const closes = token === "}" || token === "]";
    if (depth === 1 && (token === "," || closes)) {
      if (from >= 0 && key !== undefined) children.push({ key, start, from, to });
      key = isList ? children.length : undefined;
      from = -1;
    } else if (depth === 1 && key === undefined) {
      key = String(JSON.parse(token));
      start = at;
    } else if (depth >= 1 && token !== ":") {
      if (from < 0) from = at;
      if (isList && depth === 1) start = from;
      to = at + token.length;
    }
    if (token === "{" || token === "[") depth++;
    else if (closes && --depth === 0) break;
  }
  return children;
}

/** After the last member, spaced as before the first. */
function inserted(json: string, open: number, inside: readonly Child[], member: string): Change {
  const [first] = inside;
  const last = inside.at(-1);
  if (first === undefined || last === undefined)
    return { from: open + 1, to: open + 1, text: ` ${member} ` };
  const space = json.slice(open + 1, first.start);
  return { from: last.to, to: last.to, text: `,${space === "" ? " " : space}${member}` };
}
