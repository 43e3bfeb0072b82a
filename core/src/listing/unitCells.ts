import type { LayerImportance } from "#protocol/views/importance.ts";
import { columnFormat, share } from "../report/numbers.ts";
import { shares } from "../report/shares.ts";
import { name } from "./names.ts";

/** The facts about each unit of a layer, one cell a column; an empty cell where there is nothing to say. */
export function unitCells(
  units: number,
  known: LayerImportance | undefined,
  classes: readonly string[] | undefined,
): readonly (readonly string[])[] {
  const rows = Array.from({ length: units }, (_, unit) => [`unit ${unit}`]);
  if (known === undefined || known.units !== units) return rows;
  const add = (cells: readonly string[]) => {
    rows.forEach((row, unit) => {
      row.push(cells[unit]);
    });
  };
  if (known.index !== "activation")
    add(numbers("importance", known.importance.map(columnFormat(known.importance))));
  const parts = shares(known.contribution, units);
  if (parts !== undefined) {
    // Three decimals for 32 units, four for 128: an average unit keeps two digits.
    const decimals = Math.max(3, Math.ceil(Math.log10(units)) + 1);
    add(
      numbers(
        "contribution",
        parts.contribution.map((part) => share(part, decimals)),
      ),
    );
    add(
      parts.classes.map((list) =>
        list.length === 0 ? "" : ["classes", ...list.map(className)].join(" "),
      ),
    );
  }
  if (known.active.length === units)
    add(
      numbers(
        "active",
        known.active.map((part) => share(part, 2)),
      ),
    );
  return rows;

  function className(c: number): string {
    return name(classes?.[c] ?? String(c));
  }
}

function numbers(column: string, values: readonly string[]): readonly string[] {
  const width = values.reduce((most, value) => Math.max(most, value.length), 0);
  return values.map((value) => `${column} ${value.padStart(width)}`);
}
