import type { RemovalCurve, RemovalOrder, RemovalSeries } from "#protocol/views/curve.ts";
import type { RemovalCurveChart } from "./data.ts";

/** Sixteen filters whose accuracies follow smooth formulas. */
const FILTERS = 16;

const round = (value: number): number => Math.round(value * 1e4) / 1e4;

const curve: RemovalCurve = {
  model: "mnist-cnn.onnx",
  data: "t10k-images-idx3-ubyte.gz",
  samples: 10_000,
  criterion: "importance",
  removes: "units",
  layers: ["conv2"],
  ranking: Array.from({ length: FILTERS }, (_, i) => ({
    members: [{ layer: "conv2", units: [(i * 7) % FILTERS] }],
    score: (i + 1) ** 2 / 100,
  })),
  baseline: 0.9893,
  series: [
    series("ascending", false, (share) => 0.9893 - 0.85 * share ** 5),
    series("ascending", true, (share) => 0.9893 - 0.3 * share ** 7),
    series("descending", false, (share) => 0.1 + 0.8893 * (1 - share) ** 4),
    series("random", false, (share) => 0.9893 - 0.88 * share ** 2, 0.3),
  ],
};

export const exampleCurve: RemovalCurveChart = { curve, selected: { series: 0, point: 8 } };

function series(
  order: RemovalOrder,
  retrained: boolean,
  accuracy: (share: number) => number,
  spread?: number,
): RemovalSeries {
  const points = Array.from({ length: FILTERS }, (_, removed) => {
    const at = removed / FILTERS;
    const mean = round(accuracy(at));
    const half = (spread ?? 0) * at * (1 - at);
    return spread === undefined
      ? { removed, accuracy: mean }
      : {
          removed,
          accuracy: mean,
          band: [round(mean - half), Math.min(1, round(mean + half))] as const,
        };
  });
  const area = points.reduce((sum, p) => sum + p.accuracy, 0) / points.length;
  return { order, retrained, points, area: round(area) };
}
