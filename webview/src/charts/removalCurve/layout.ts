/** Where everything in the picture stands. */
import type { RemovalPoint } from "#protocol/views/curve.ts";
import { place, type Scale, widened } from "../axes.ts";
import { textWidth } from "../textWidth.ts";
import type { RemovalCurveChart, SelectedPoint } from "./data.ts";
import { ENGLISH, legendText } from "./texts.ts";

export const WIDTH = 640;
export const HEIGHT = 360;
const LEFT = 52;
const RIGHT = 14;
const BOTTOM = 44;
const ROW = 18;
export const Y_TICKS = 6;
/** Pixels from a point that still mean it. */
const NEAR = 40;

export function scales(data: RemovalCurveChart): { readonly x: Scale; readonly y: Scale } {
  const { curve, width = WIDTH, height = HEIGHT } = data;
  const points = curve.series.flatMap((s) => s.points);
  const values = points.flatMap((p) => [p.accuracy, ...(p.band ?? [])]).filter(Number.isFinite);
  const lowest = Math.min(curve.baseline, ...values);
  const highest = Math.max(curve.baseline, ...values);
  const [from, to] = widened(lowest, Math.max(highest, lowest + 0.01), Y_TICKS);
  const top = 14 + legendPlaces(data).rows * ROW;
  const most = Math.max(1, ...points.map((p) => p.removed));
  return {
    x: { from: 0, to: most, start: LEFT, end: width - RIGHT },
    y: { from: Math.max(0, from), to: Math.min(1, to), start: height - BOTTOM, end: top },
  };
}

export const placeOf = (x: Scale, y: Scale, { removed, accuracy }: RemovalPoint) =>
  [place(x, removed), place(y, accuracy)] as const;

/** Where each entry of the legend stands; too many for one line break into several. */
export function legendPlaces({ curve, texts = ENGLISH, width = WIDTH }: RemovalCurveChart) {
  let [column, row] = [LEFT, 0];
  const entries = curve.series.map((series) => {
    const text = legendText(series, texts);
    const length = 34 + 0.9 * textWidth(text) + 14;
    if (column > LEFT && column + length > width) [column, row] = [LEFT, row + 1];
    const entry = { series, text, x: column, y: 12 + row * ROW };
    column += length;
    return entry;
  });
  return { entries, rows: row + 1 };
}

/** The point that is drawn nearest to a place of the picture; undefined where none is near. */
export function nearestPoint(
  data: RemovalCurveChart,
  [atX, atY]: readonly [number, number],
): SelectedPoint | undefined {
  const { x, y } = scales(data);
  let [best, distance]: [SelectedPoint | undefined, number] = [undefined, NEAR ** 2];
  for (const [series, { points }] of data.curve.series.entries()) {
    for (const [point, it] of points.entries()) {
      const [toX, toY] = placeOf(x, y, it);
      const d = (toX - atX) ** 2 + (toY - atY) ** 2;
      if (d < distance) [best, distance] = [{ series, point }, d];
    }
  }
  return best;
}
