import type { RemovalCurve } from "#protocol/views/curve.ts";
import type { SelectedPoint } from "../../charts/removalCurve/data.ts";

/** Accuracies are counts over samples: what they differ by is no rounding. */
const ROUNDING = 1e-9;

/**
 * The last point, smallest first and without training, up to which accuracy stays within `drop` of the
 * model's own at every point; undefined where the curve has no such series, or removes inputs.
 */
export function largestWithin(
  { removes, baseline, series }: RemovalCurve,
  drop: number,
): SelectedPoint | undefined {
  if (removes === "inputs") return undefined;
  const at = series.findIndex((s) => s.order === "ascending" && !s.retrained);
  const { points = [] } = series[at] ?? {};
  const broken = points.findIndex((p) => p.accuracy < baseline - drop - ROUNDING);
  const last = (broken < 0 ? points.length : broken) - 1;
  return last < 0 ? undefined : { series: at, point: last };
}
