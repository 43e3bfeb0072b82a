import type { RemovalCurveLabels } from "#protocol/panels/removalCurve.ts";
import type { RemovalCurve, RemovalSeries } from "#protocol/views/curve.ts";
import type { RemovalCurveChart } from "./data.ts";

export const ENGLISH: RemovalCurveLabels = {
  accuracy: "accuracy",
  removed: "removed",
  unitsRemoved: "units removed",
  groupsRemoved: "groups of coupled units removed",
  inputsRemoved: "inputs removed",
  baseline: "nothing removed: {0}",
  ascending: "smallest first",
  descending: "largest first",
  random: "random",
  retrained: "{0}, retrained",
  area: "area {0}",
  lowest: "{0}, lowest",
  highest: "{0}, highest",
};

/** "smallest first, retrained". */
export function seriesName(series: RemovalSeries, texts: RemovalCurveLabels = ENGLISH): string {
  const order = texts[series.order];
  return series.retrained ? filled(texts.retrained, order) : order;
}

export function legendText(series: RemovalSeries, texts: RemovalCurveLabels): string {
  return `${seriesName(series, texts)} (${filled(texts.area, series.area.toFixed(3))})`;
}

export function xTitle({ removes, ranking }: RemovalCurve, texts: RemovalCurveLabels): string {
  if (removes === "inputs") return texts.inputsRemoved;
  const coupled = ranking.some((g) => g.members.reduce((n, m) => n + m.units.length, 0) > 1);
  return coupled ? texts.groupsRemoved : texts.unitsRemoved;
}

/** What the picture says, in one paragraph. */
export function description({ curve, texts = ENGLISH }: RemovalCurveChart): string {
  const what = xTitle(curve, texts);
  const where = [curve.model, ...(curve.layers.length === 1 ? curve.layers : [])].join(", ");
  const series = curve.series.map((one) => {
    const ends = [one.points.at(0), one.points.at(one.points.length >> 1), one.points.at(-1)];
    const shown = ends.flatMap((p) =>
      p === undefined ? [] : `${p.removed}: ${share(p.accuracy)}`,
    );
    return `${legendText(one, texts)}: ${shown.join(", ")}`;
  });
  const baseline = filled(texts.baseline, share(curve.baseline));
  return [`${where}: ${texts.accuracy}; ${what}`, baseline, ...series].join(". ");
}

export const filled = (text: string, ...values: readonly (string | number)[]): string =>
  text.replace(/\{(\d)\}/g, (hole, i: string) => String(values[Number(i)] ?? hole));

/** As the listing writes it: a share of 1 with four digits. */
export const share = (accuracy: number): string =>
  Number.isFinite(accuracy) ? accuracy.toFixed(4) : "–";
