import type { Value } from "../ir/graph.ts";
import { sameShape, size } from "../ir/tensor.ts";
import { add } from "./add.ts";
import { broadcast, broadcastOffsets, unbroadcast } from "./broadcast.ts";
import { cutting } from "./channels.ts";
import { axisOf, check, int, needFloat, real, sameDType, show } from "./check.ts";
import { expand } from "./expand.ts";
import { literal } from "./literal.ts";
import { mul } from "./mul.ts";
import { type Normal, normalRows, throughNormal } from "./normal.ts";
import { type Cut, carry, need, type Operator, operator, refuse } from "./operator.ts";
import { sub } from "./sub.ts";

type LayerNormalizationAttrs = {
  /** The first of the axes that are normalised together. */
  readonly axis?: number;
  readonly epsilon?: number;
  /** The element type of the statistics; here they are exact. */
  readonly stash_type?: number;
};

const type = "LayerNormalization";

/**
 * Ba, Kiros & Hinton 2016. Inputs: X, scale, B, which broadcast to X; y = scale·(X − mean)·rate + B.
 * Outputs: Y, the mean, and rate = 1/√(variance + epsilon).
 */
export const layerNormalization: Operator<LayerNormalizationAttrs> =
  operator<LayerNormalizationAttrs>({
    type,
    floatAttrs: ["epsilon"],
    infer(inputs, attrs) {
      const x = need(inputs, 0, type);
      need(inputs, 1, type);
      needFloat(x, type);
      epsilonOf(attrs);
      check(int(attrs.stash_type, 1, `${type}: stash_type`) === 1, `${type}: stash_type is not 1`);
      inputs.slice(1).forEach((p, i) => {
        sameDType(x, p, type);
        check(
          p === undefined || sameShape(broadcast(x.shape, p.shape, type), x.shape),
          `${type}: ${i === 0 ? "scale" : "B"} ${show(p?.shape ?? [])} does not broadcast to X ${show(x.shape)}`,
        );
      });
      const first = firstOf(attrs, x.shape.length);
      const { dtype, shape } = x;
      const statistic = { dtype, shape: shape.map((d, i) => (i < first ? d : 1)) };
      return [{ dtype, shape }, statistic, statistic];
    },
    evaluate([x, scale, b], attrs, [y, mean, rate]) {
      const length = size(y.shape.slice(firstOf(attrs, y.shape.length)));
      const { normal, means, rates } = normalRows(x!.data, length, epsilonOf(attrs));
      const scales = broadcastOffsets(scale!.shape, y.shape);
      const shifts = b && broadcastOffsets(b.shape, y.shape);
      const data = normal.map(
        (v, i) => v * scale!.data[scales[i]] + (b === undefined ? 0 : b.data[shifts![i]]),
      );
      return [
        { ...y, data },
        { ...mean, data: means },
        { ...rate, data: rates },
      ];
    },
    gradient([ct, ctMean, ctRate], { inputs, outputs: [, mean, rate], attrs }) {
      const [x, scale, b] = inputs as readonly [Value, Value, Value | undefined];
      const rank = x.shape.length;
      const first = firstOf(attrs, rank);
      const axes = Array.from({ length: rank - first }, (_, i) => first + i);
      const normal = mul({}, sub({}, x, mean), rate);
      const parts = [
        ct && throughNormal(mul({}, ct, scale), { normal, rate, axes }),
        ...throughStatistics({ normal, rate, axes }, ctMean, ctRate),
      ].filter((v) => v !== undefined);
      return [
        parts.length === 0 ? undefined : parts.reduce((a, v) => add({}, a, v)),
        ct && unbroadcast(mul({}, ct, normal), scale),
        ct && b && unbroadcast(ct, b),
      ];
    },
    channels(node, input, axis) {
      const x = node.inputs[0]!;
      const rank = x.shape.length;
      if (input !== 0) return refuse(`it is a parameter of ${type}`);
      if (axis >= firstOf(node.attrs, rank)) return refuse(`${type} normalises over the units`);
      const cuts = [1, 2].flatMap((i): Cut[] => {
        const shape = node.inputs[i]?.shape ?? [];
        const there = axis - rank + shape.length;
        return there < 0 || shape[there] === 1 ? [] : [{ input: i, axis: there }];
      });
      return cutting(node, cuts, (present) => carry(axis, present));
    },
    examples: [
      { inputs: [[2, 3, 4], [4], [4]], attrs: {} },
      { inputs: [[2, 5], [5]], attrs: { epsilon: 0.125 }, note: "no bias" },
      {
        inputs: [
          [2, 3, 2, 2],
          [3, 2, 2],
          [3, 2, 2],
        ],
        attrs: { axis: 1 },
        constants: [1, 2],
        note: "over all but the batch",
      },
    ],
  });

/** With n elements in a row: the mean has derivative 1/n, the rate −rate²·normal/n. */
function throughStatistics(
  { normal, rate, axes }: Normal,
  ctMean: Value | undefined,
  ctRate: Value | undefined,
): readonly (Value | undefined)[] {
  const shape = normal.shape as readonly number[];
  const n = size(axes.map((a) => shape[a]));
  const share = (ct: Value, factor: number) => mul({}, ct, literal(ct, factor / n));
  return [
    ctMean && expand({ shape }, share(ctMean, 1)),
    ctRate && mul({}, normal, mul({}, share(ctRate, -1), mul({}, rate, rate))),
  ];
}

const firstOf = ({ axis }: LayerNormalizationAttrs, rank: number): number =>
  axisOf(axis ?? -1, rank, `${type}: axis`);

const epsilonOf = ({ epsilon }: LayerNormalizationAttrs): number =>
  real(epsilon, 1e-5, `${type}: epsilon`);
