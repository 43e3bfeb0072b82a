/** What a `# ^^^^ label` line in a fixture says about the line above it. */
export interface Expected {
  readonly line: number;
  readonly from: number;
  readonly to: number;
  readonly label: string;
}

export interface Fixture {
  /** The text without its annotations. */
  readonly text: string;
  readonly expected: readonly Expected[];
}

/**
 * Splits a fixture into text and annotations. The carets stand under what is meant; several lines of
 * carets may follow a line. `# < label` means all of the line: what the `#` would stand in front of.
 */
export function fixture(annotated: string): Fixture {
  const lines: string[] = [];
  const expected: Expected[] = [];
  for (const line of annotated.replace(/^\n/, "").split("\n")) {
    const mark = /^\s*#\s*(\^+|<) (.*)$/.exec(line);
    if (mark === null) lines.push(line);
    else {
      const [, carets = "", label = ""] = mark;
      const from = carets === "<" ? 0 : line.indexOf("^");
      const to = carets === "<" ? (lines.at(-1) ?? "").length : from + carets.length;
      expected.push({ line: lines.length - 1, from, to, label });
    }
  }
  return { text: lines.join("\n"), expected };
}
