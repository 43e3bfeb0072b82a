import type { Value } from "../ir/graph.ts";
import { known, size } from "../ir/tensor.ts";
import { cutting } from "./channels.ts";
import { check, needFloat, rankFrom, real, sameDType } from "./check.ts";
import { mul } from "./mul.ts";
import { normalise, normalRows, throughNormal } from "./normal.ts";
import { carry, need, type Operator, operator, refuse } from "./operator.ts";
import { reduceSum } from "./reduceSum.ts";
import { reshapeTo } from "./reshape.ts";

type InstanceNormalizationAttrs = { readonly epsilon?: number };

const type = "InstanceNormalization";
const names = ["X", "scale", "B"];
const cuts = [1, 2].map((input) => ({ input, axis: 0 }));

/** Ulyanov et al. 2016. Inputs: X [N, C, …], scale [C], B [C]; statistics over each map of each sample. */
export const instanceNormalization: Operator<InstanceNormalizationAttrs> =
  operator<InstanceNormalizationAttrs>({
    type,
    floatAttrs: ["epsilon"],
    infer(inputs, attrs) {
      const [x, ...parameters] = names.map((_, i) => need(inputs, i, type));
      needFloat(x, type);
      rankFrom(x, 3, `${type}: X`);
      epsilonOf(attrs);
      parameters.forEach((p, i) => {
        sameDType(x, p, type);
        check(
          p.shape.length === 1 && p.shape[0] === x.shape[1],
          `${type}: ${names[i + 1]} must have one value for each of ${x.shape[1]} channels`,
        );
      });
      return [{ dtype: x.dtype, shape: x.shape }];
    },
    evaluate([x, scale, b], attrs, [{ dtype, shape }]) {
      const area = size(shape.slice(2));
      const { normal } = normalRows(x!.data, area, epsilonOf(attrs));
      const data = normal.map((v, i) => {
        const c = Math.floor(i / area) % shape[1];
        return scale!.data[c] * v + b!.data[c];
      });
      return [{ dtype, shape, data }];
    },
    gradient([ct], { inputs, attrs }) {
      const [x, scale] = inputs as readonly Value[];
      const spatial = x.shape.flatMap((_, d) => (d < 2 ? [] : [d]));
      const normal = normalise(x, spatial, epsilonOf(attrs));
      const total = (v: Value) => reduceSum({ axes: [0, ...spatial], keepdims: 0 }, v);
      const scales = reshapeTo(scale, [known(scale.shape)[0], ...spatial.map(() => 1)]);
      return [
        throughNormal(mul({}, ct, scales), normal),
        total(mul({}, ct, normal.normal)),
        total(ct!),
      ];
    },
    channels(node, input, axis) {
      if (input !== 0) return refuse(`it is a parameter of ${type}`);
      if (axis === 0) return carry(0);
      if (axis > 1) return refuse(`${type} normalises over the axis`);
      return cutting(node, cuts, (present) => carry(1, present));
    },
    examples: [
      { inputs: [[2, 3, 2, 2], [3], [3]], attrs: {} },
      { inputs: [[1, 2, 5], [2], [2]], attrs: { epsilon: 0.125 }, constants: [1, 2] },
    ],
  });

const epsilonOf = ({ epsilon }: InstanceNormalizationAttrs): number =>
  real(epsilon, 1e-5, `${type}: epsilon`);
