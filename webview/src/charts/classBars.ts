import type { ClassBars } from "#protocol/views/classBars.ts";
import type { Chart } from "./chart.ts";
import { NEGATIVE, POSITIVE } from "./diverging.ts";
import { digits, escaped, FONT, INK, px, svg } from "./svg.ts";
import { textWidth } from "./textWidth.ts";

/** A bar for each class: to the right what speaks for it, to the left what speaks against it. */
export const classBars: Chart<ClassBars> = {
  name: "classBars",
  render(data) {
    const shown = strongest(data);
    const more = data.classes.length - shown.length;
    const names = shown.map((c) => shortened(data.classes[c] ?? String(c)));
    const nameWidth = Math.min(MOST_NAME, Math.max(1, ...names.map(textWidth)));
    const values = shown.map((c) => data.values[c] ?? 0);
    const least = Math.min(0, ...values.filter(Number.isFinite));
    const most = Math.max(0, ...values.filter(Number.isFinite));
    const left = nameWidth + 6;
    const scale = most === least ? 0 : (WIDTH - VALUE_WIDTH - left) / (most - least);
    const zero = left - least * scale;
    const rows = shown.map((_, row) => {
      const value = values[row]!;
      const length = Number.isFinite(value) ? Math.abs(value) * scale : 0;
      const from = value < 0 ? zero - length : zero;
      const base = row * ROW + 10.5;
      const fill = value < 0 ? NEGATIVE : POSITIVE;
      return [
        `<text x='${px(nameWidth)}' y='${base}' text-anchor='end'>${escaped(names[row]!)}</text>`,
        `<rect x='${px(from)}' y='${row * ROW + 2}' width='${px(length)}' height='${ROW - 4}' fill='${fill}'/>`,
        `<text x='${WIDTH}' y='${base}' text-anchor='end'>${digits(value)}</text>`,
      ].join("");
    });
    const height = (shown.length + (more > 0 ? 1 : 0)) * ROW;
    const axis = `<path d='M${px(zero)} 0V${shown.length * ROW}' stroke='${INK}'/>`;
    const rest =
      more > 0 ? [`<text x='${left}' y='${shown.length * ROW + 10.5}'>+ ${more} more</text>`] : [];
    const label = `contribution per class: ${shown.map((c, i) => `${names[i]} ${digits(data.values[c] ?? 0)}`).join(", ")}`;
    return svg(WIDTH, Math.max(height, 1), label, [
      `<g ${FONT} fill='${INK}'>`,
      ...rows,
      ...rest,
      axis,
      "</g>",
    ]);
  },
  table: ({ classes, values }) => ({
    columns: ["class", "contribution"],
    rows: classes.map((name, c) => [name, values[c] ?? 0]),
  }),
  example: {
    classes: ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"],
    values: [0.12, -0.31, 0.04, 1.02, -0.08, 0.44, 0, -0.52, 0.87, -0.003],
  },
};

const WIDTH = 260;
const ROW = 14;
const VALUE_WIDTH = 54;
const MOST_NAME = 90;
/** Rows, with the one that says how many more there are. */
const MOST_ROWS = 16;

/** All classes in their order; of many, those with the largest values. */
function strongest({ classes, values }: ClassBars): readonly number[] {
  const all = classes.map((_, c) => c);
  if (all.length <= MOST_ROWS) return all;
  const size = (c: number) => Math.abs(values[c] ?? 0) || 0;
  return all
    .sort((a, b) => size(b) - size(a) || a - b)
    .slice(0, MOST_ROWS - 1)
    .sort((a, b) => a - b);
}

function shortened(name: string): string {
  let text = "";
  for (const character of name) {
    if (textWidth(text + character) > MOST_NAME - 8) return `${text}…`;
    text += character;
  }
  return text;
}
