import type { RemovalCurve, RemovalSeries } from "#protocol/views/curve.ts";

/** A row for each number removed, a column for each series, and a plot of them. */
export function curveText(curve: RemovalCurve, seconds: number): string {
  const { series, samples, baseline, criterion, removes, layers } = curve;
  const what = removes === "inputs" ? "inputs" : `groups of units of ${layers.join(", ")}`;
  const titles = series.map(titleOf);
  const width = Math.max(9, ...titles.map((t) => t.length));
  const rows = (series[0]?.points ?? []).map(({ removed }, i) =>
    [
      String(removed).padStart(7),
      ...series.map(({ points }) => points[i]!.accuracy.toFixed(4).padStart(width)),
    ].join("  "),
  );
  const head = ["removed", ...titles.map((t) => t.padStart(width))].join("  ");
  const areas = ["area".padStart(7), ...series.map((s) => s.area.toFixed(4).padStart(width))];
  return [
    `accuracy without ${what}, by ${criterion}; ${baseline.toFixed(4)} with all`,
    head,
    ...rows,
    areas.join("  "),
    "",
    ...plot(series),
    "",
    `${samples.toLocaleString("en")} samples; ${seconds.toFixed(2)} s`,
    "",
  ].join("\n");
}

export const titleOf = ({ order, retrained }: RemovalSeries): string =>
  retrained ? `${order}, retrained` : order;

const HEIGHT = 11;
const WIDTH = 66;
const MARKS = "●○·◆◇+";

/** Accuracy from 0 to 1 upwards, the number removed to the right. */
function plot(series: readonly RemovalSeries[]): readonly string[] {
  const rows = Array.from({ length: HEIGHT }, () => new Array<string>(WIDTH).fill(" "));
  const most = series[0]?.points.at(-1)?.removed ?? 0;
  // What is drawn first is on top.
  [...series].reverse().forEach(({ points }, k) => {
    const mark = MARKS[(series.length - 1 - k) % MARKS.length]!;
    for (const { removed, accuracy } of points) {
      const x = most === 0 ? 0 : Math.round((removed / most) * (WIDTH - 1));
      rows[HEIGHT - 1 - Math.round(accuracy * (HEIGHT - 1))]![x] = mark;
    }
  });
  const scale = (i: number) => (1 - i / (HEIGHT - 1)).toFixed(1);
  return [
    ...rows.map((row, i) => `  ${scale(i)} │${row.join("").trimEnd()}`),
    `      └${"─".repeat(WIDTH)}`,
    `       0${String(most).padStart(WIDTH - 1)}  removed`,
    `       ${series.map((s, k) => `${MARKS[k % MARKS.length]} ${titleOf(s)}`).join("   ")}`,
  ];
}

/** One row for each point of each series. */
export function curveCsv({ series }: RemovalCurve): string {
  const rows = series.flatMap(({ order, retrained, points }) =>
    points.map(({ removed, accuracy, band }) =>
      [order, retrained, removed, accuracy, band?.[0] ?? "", band?.[1] ?? ""].join(","),
    ),
  );
  return `${["order,retrained,removed,accuracy,low,high", ...rows].join("\n")}\n`;
}
