/** Rows of cells as lines whose columns stand under each other. */
export function aligned(rows: readonly (readonly string[])[]): readonly string[] {
  const widths: number[] = [];
  for (const row of rows)
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, width(cell));
    });
  return rows.map((row) => {
    let line = "";
    row.forEach((cell, column) => {
      if (widths[column] > 0) line += (line === "" ? "" : GAP) + padded(cell, widths[column]);
    });
    return line.trimEnd();
  });
}

const GAP = "   ";

function padded(cell: string, to: number): string {
  return cell + " ".repeat(Math.max(0, to - width(cell)));
}

/** Columns that a text takes in a monospaced font: East Asian characters take two. */
function width(text: string): number {
  return text.length + (text.match(WIDE)?.length ?? 0);
}

const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/g;
