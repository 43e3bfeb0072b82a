import type { Value } from "../ir/graph.ts";
import { known, type Shape, size } from "../ir/tensor.ts";
import { add } from "./add.ts";
import { cutting } from "./channels.ts";
import { check, flag, needFloat, rankFrom, real, sameDType } from "./check.ts";
import { literal } from "./literal.ts";
import { mul } from "./mul.ts";
import { neg } from "./neg.ts";
import { carry, need, type Operator, operator, refuse } from "./operator.ts";
import { reciprocal } from "./reciprocal.ts";
import { reduceSum } from "./reduceSum.ts";
import { reshapeTo } from "./reshape.ts";
import { sqrt } from "./sqrt.ts";
import { sub } from "./sub.ts";

type BatchNormalizationAttrs = {
  readonly epsilon?: number;
  readonly momentum?: number;
  readonly training_mode?: number;
};

const names = ["X", "scale", "B", "mean", "var"];
const cuts = [1, 2, 3, 4].map((input) => ({ input, axis: 0 }));

/** Inference form. Inputs: X, scale, B, mean, var; y = scale·(X − mean)/√(var + epsilon) + B. */
export const batchNormalization: Operator<BatchNormalizationAttrs> =
  operator<BatchNormalizationAttrs>({
    type: "BatchNormalization",
    floatAttrs: ["epsilon", "momentum"],
    infer(inputs, attrs) {
      const type = "BatchNormalization";
      const [x, ...parameters] = names.map((_, i) => need(inputs, i, type));
      needFloat(x, type);
      rankFrom(x, 2, `${type}: X`);
      epsilonOf(attrs);
      check(
        !flag(attrs.training_mode, false, `${type}: training_mode`),
        `${type}: training_mode is on: export the model for inference`,
      );
      parameters.forEach((p, i) => {
        sameDType(x, p, type);
        check(
          p.shape.length === 1 && p.shape[0] === x.shape[1],
          `${type}: ${names[i + 1]} must have one value for each of ${x.shape[1]} channels`,
        );
      });
      return [{ dtype: x.dtype, shape: x.shape }];
    },
    evaluate([x, scale, b, mean, variance], attrs, [{ dtype, shape }]) {
      const inner = size(shape.slice(2));
      const epsilon = epsilonOf(attrs);
      const data = Float64Array.from(x!.data, (v, i) => {
        const c = Math.floor(i / inner) % shape[1];
        const normal = (v - mean!.data[c]) / Math.sqrt(variance!.data[c] + epsilon);
        return scale!.data[c] * normal + b!.data[c];
      });
      return [{ dtype, shape, data }];
    },
    gradient([ct], { inputs, attrs }) {
      const [x, scale, , mean, variance] = inputs as readonly Value[];
      const channels = known(scale.shape)[0];
      const along = (p: Value) => reshapeTo(p, perChannel(x.shape, channels));
      const axes = x.shape.flatMap((_, d) => (d === 1 ? [] : [d]));
      const total = (v: Value) => reduceSum({ axes, keepdims: 0 }, v);
      const deviation = add({}, variance, literal(variance, epsilonOf(attrs)));
      const rate = reciprocal({}, sqrt({}, deviation));
      const slope = mul({}, scale, rate);
      const normal = mul({}, sub({}, x, along(mean)), along(rate));
      const dScale = total(mul({}, ct, normal));
      const dB = total(ct!);
      const half = mul({}, mul({}, slope, rate), literal(ct!, -0.5));
      return [
        mul({}, ct, along(slope)),
        dScale,
        dB,
        neg({}, mul({}, slope, dB)),
        mul({}, half, dScale),
      ];
    },
    channels(node, input, axis) {
      if (input !== 0) return refuse("it is a parameter of BatchNormalization");
      if (axis !== 1) return carry(axis);
      return cutting(node, cuts, (present) => carry(1, present));
    },
    examples: [
      { inputs: [[2, 3, 2], [3], [3], [3], [3]], attrs: { epsilon: 2 }, note: "var + epsilon > 0" },
      { inputs: [[2, 3], [3], [3], [3], [3]], attrs: { epsilon: 2 }, constants: [1, 2, 3, 4] },
    ],
  });

const perChannel = (x: Shape, channels: number): number[] =>
  x.map((_, d) => (d === 1 ? channels : 1));

const epsilonOf = ({ epsilon }: BatchNormalizationAttrs): number =>
  real(epsilon, 1e-5, "BatchNormalization: epsilon");
