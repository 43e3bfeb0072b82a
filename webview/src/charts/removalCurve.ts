import type { RemovalPoint, RemovalSeries } from "#protocol/views/curve.ts";
import { axes, place, type Scale, ticks } from "./axes.ts";
import type { Chart } from "./chart.ts";
import type { RemovalCurveChart } from "./removalCurve/data.ts";
import { exampleCurve } from "./removalCurve/example.ts";
import { HEIGHT, legendPlaces, placeOf, scales, WIDTH, Y_TICKS } from "./removalCurve/layout.ts";
import { tableOf } from "./removalCurve/rows.ts";
import { description, ENGLISH, share, xTitle } from "./removalCurve/texts.ts";
import { line, type Mark, markers } from "./seriesMarks.ts";
import { escaped, FONT, INK, px, svg } from "./svg.ts";
import { textWidth } from "./textWidth.ts";

/** Accuracy against what is removed, a line for each order (Kanadera, Figs 8, 9, 13). */
export const removalCurve: Chart<RemovalCurveChart> = {
  name: "removalCurve",
  render(data) {
    const { curve, width = WIDTH, height = HEIGHT, paper = false } = data;
    const { x, y } = scales(data);
    const ink = paper ? "#1a1a1a" : `var(--kaibo-ink,${INK})`;
    const ground = paper ? "#ffffff" : "var(--kaibo-ground,#ffffff)";
    const texts = data.texts ?? ENGLISH;
    const base = px(place(y, curve.baseline));
    const drawn = curve.series.map((series) => {
      const mark = markOf(series, paper);
      const known = series.points.filter(({ accuracy }) => Number.isFinite(accuracy));
      const places = known.map((point) => placeOf(x, y, point));
      return [
        ...band(known, x, y, mark),
        line(mark, places.map(([a, b], i) => `${i === 0 ? "M" : "L"}${px(a)} ${px(b)}`).join("")),
        markers(mark, places, ground),
      ].join("");
    });
    return svg(width, height, description(data), [
      ...(paper ? [`<rect width='${width}' height='${height}' fill='#ffffff'/>`] : []),
      `<g ${FONT}>`,
      ...legend(data, ink, ground),
      ...axes({
        x,
        y,
        xTicks: ticks(x.from, x.to, Math.floor((x.end - x.start) / 56), 1),
        yTicks: ticks(y.from, y.to, Y_TICKS),
        xTitle: xTitle(curve, texts),
        yTitle: texts.accuracy,
        ink,
        grid: ink,
      }),
      `<path d='M${px(x.start)} ${base}H${px(x.end)}' stroke='${ink}' stroke-dasharray='1 3'/>`,
      // The first one is on top.
      ...drawn.toReversed(),
      ...highlight(data, x, y, ink),
      "</g>",
    ]);
  },
  table: ({ curve, texts = ENGLISH }) => tableOf(curve, texts),
  example: exampleCurve,
};

const COLOURS = { ascending: "#0072b2", descending: "#d55e00", random: "#808080" } as const;
const SHAPES = { ascending: "circle", descending: "triangle", random: "square" } as const;

function markOf({ order, retrained }: RemovalSeries, paper: boolean): Mark {
  const colour = COLOURS[order];
  return {
    colour: paper ? colour : `var(--kaibo-${order},${colour})`,
    shape: SHAPES[order],
    dashed: retrained,
  };
}

/** From the lowest to the highest of a random series' seeds. */
function band(points: readonly RemovalPoint[], x: Scale, y: Scale, { colour }: Mark): string[] {
  const known = points.filter((p) => p.band !== undefined);
  if (known.length < 2) return [];
  const corner = (end: 0 | 1) => (p: RemovalPoint) =>
    `${px(place(x, p.removed))} ${px(place(y, p.band![end]))}`;
  const around = [...known.map(corner(1)), ...known.map(corner(0)).reverse()];
  return [`<path d='M${around.join("L")}z' fill='${colour}' fill-opacity='.22'/>`];
}

function legend(data: RemovalCurveChart, ink: string, ground: string): string[] {
  return legendPlaces(data).entries.map(({ series, text, x, y }) => {
    const mark = markOf(series, data.paper ?? false);
    const sample = line(mark, `M${x} ${y - 4}h28`) + markers(mark, [[x + 14, y - 4]], ground);
    return `${sample}<text x='${px(x + 34)}' y='${y}' fill='${ink}'>${escaped(text)}</text>`;
  });
}

function highlight(data: RemovalCurveChart, x: Scale, y: Scale, ink: string): string[] {
  const { curve, selected, width = WIDTH } = data;
  const point = selected && curve.series[selected.series]?.points[selected.point];
  if (point === undefined) return [];
  const [cx, cy] = placeOf(x, y, point);
  const text = `${point.removed}: ${share(point.accuracy)}`;
  const right = cx + 10 + textWidth(text) < width;
  const [at, anchor] = right ? [cx + 9, "start"] : [cx - 9, "end"];
  const line = cy - 10 < y.end ? cy + 20 : cy - 10;
  return [
    `<path d='M${px(cx)} ${px(y.end)}V${px(y.start)}' stroke='${ink}' stroke-opacity='.6'/>`,
    `<circle cx='${px(cx)}' cy='${px(cy)}' r='7' fill='none' stroke='${ink}' stroke-width='2'/>`,
    `<text x='${px(at)}' y='${px(line)}' text-anchor='${anchor}' fill='${ink}' font-weight='bold'>${text}</text>`,
  ];
}
