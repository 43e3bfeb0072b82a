import { type ColumnName, isColumn, unquoted } from "./names.ts";
import type { ParsedListing, ParsedUnit } from "./parse.ts";
import { tokens } from "./tokens.ts";

export interface ParsedColumn {
  readonly name: ColumnName;
  /** From the column's word to the end of its values. */
  readonly from: number;
  readonly to: number;
  readonly values: readonly string[];
}

/** What the line of a unit says about it. */
export function columnsOf(parsed: ParsedListing, unit: ParsedUnit): readonly ParsedColumn[] {
  const columns: { name: ColumnName; from: number; to: number; values: string[] }[] = [];
  for (const { text, from, to } of tokens(parsed.lines[unit.line]).slice(2)) {
    const open = columns.at(-1);
    if (isColumn(text)) columns.push({ name: text, from, to, values: [] });
    else if (open !== undefined) {
      open.values.push(unquoted(text));
      open.to = to;
    }
  }
  return columns;
}
