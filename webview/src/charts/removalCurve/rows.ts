import type { RemovalCurveLabels } from "#protocol/panels/removalCurve.ts";
import type { RemovalCurve, RemovalPoint } from "#protocol/views/curve.ts";
import type { Table } from "../chart.ts";
import { filled, seriesName } from "./texts.ts";

/** A row for each number that is removed, a column for each series. */
export function tableOf({ series }: RemovalCurve, texts: RemovalCurveLabels): Table {
  const counts = [...new Set(series.flatMap((s) => s.points.map((p) => p.removed)))];
  const columns = series.flatMap((one) => {
    const name = seriesName(one, texts);
    const at = new Map(one.points.map((p) => [p.removed, p]));
    const column = (title: string, value: (p: RemovalPoint) => number | undefined) => ({
      title,
      values: (removed: number) => {
        const point = at.get(removed);
        return (point && value(point)) ?? "";
      },
    });
    return [
      column(name, (p) => p.accuracy),
      ...(one.points.some((p) => p.band !== undefined)
        ? [
            column(filled(texts.lowest, name), (p) => p.band?.[0]),
            column(filled(texts.highest, name), (p) => p.band?.[1]),
          ]
        : []),
    ];
  });
  return {
    columns: [texts.removed, ...columns.map(({ title }) => title)],
    rows: counts
      .sort((a, b) => a - b)
      .map((removed) => [removed, ...columns.map(({ values }) => values(removed))]),
  };
}
