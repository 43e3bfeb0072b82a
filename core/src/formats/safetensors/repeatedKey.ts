/**
 * A key that the outermost object of a JSON text has twice; JSON.parse would take the last one.
 * @param text valid JSON
 */
export function repeatedKey(text: string): string | undefined {
  const seen = new Set<string>();
  let depth = 0;
  for (const { 0: token, 1: key } of text.matchAll(
    /("(?:[^"\\]|\\.)*")(?=\s*:)|"(?:[^"\\]|\\.)*"|[{}[\]]/g,
  )) {
    if (key !== undefined) {
      if (depth !== 1) continue;
      const name = String(JSON.parse(key));
      if (seen.has(name)) return name;
      seen.add(name);
    } else if (token === "{" || token === "[") depth++;
    else if (token === "}" || token === "]") depth--;
  }
  return undefined;
}
