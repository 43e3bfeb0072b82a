import type { Value } from "../ir/graph.ts";
import { known, size } from "../ir/tensor.ts";
import { blocks } from "./channels.ts";
import { check, int, length, needFloat, rankFrom, real, sameDType } from "./check.ts";
import { mul } from "./mul.ts";
import { normalise, normalRows, throughNormal } from "./normal.ts";
import { carry, join, need, type Operator, operator, refuse } from "./operator.ts";
import { reduceSum } from "./reduceSum.ts";
import { reshapeTo } from "./reshape.ts";

type GroupNormalizationAttrs = {
  readonly num_groups: number;
  readonly epsilon?: number;
  /** The element type of the statistics; here they are exact. */
  readonly stash_type?: number;
};

const type = "GroupNormalization";
const names = ["X", "scale", "bias"];

/** Wu & He 2018. Inputs: X [N, C, …], scale [C], bias [C]; statistics over groups of C/num_groups maps. */
export const groupNormalization: Operator<GroupNormalizationAttrs> =
  operator<GroupNormalizationAttrs>({
    type,
    floatAttrs: ["epsilon"],
    infer(inputs, attrs) {
      const [x, ...parameters] = names.map((_, i) => need(inputs, i, type));
      needFloat(x, type);
      rankFrom(x, 3, `${type}: X`);
      const channels = length(x.shape[1], `${type}: channel axis`);
      const groups = int(attrs.num_groups, 0, `${type}: num_groups`);
      check(
        groups >= 1 && channels % groups === 0,
        `${type}: ${channels} channels do not divide into ${groups} groups`,
      );
      real(attrs.epsilon, 1e-5, `${type}: epsilon`);
      check(int(attrs.stash_type, 1, `${type}: stash_type`) === 1, `${type}: stash_type is not 1`);
      parameters.forEach((p, i) => {
        sameDType(x, p, type);
        check(
          p.shape.length === 1 && p.shape[0] === channels,
          `${type}: ${names[i + 1]} must have one value for each of ${channels} channels`,
        );
      });
      return [{ dtype: x.dtype, shape: x.shape }];
    },
    evaluate([x, scale, bias], { num_groups, epsilon = 1e-5 }, [{ dtype, shape }]) {
      const area = size(shape.slice(2));
      const { normal } = normalRows(x!.data, (shape[1] / num_groups) * area, epsilon);
      const data = normal.map((v, i) => {
        const c = Math.floor(i / area) % shape[1];
        return scale!.data[c] * v + bias!.data[c];
      });
      return [{ dtype, shape, data }];
    },
    gradient([ct], { inputs, attrs: { num_groups, epsilon = 1e-5 } }) {
      const [x, scale] = inputs as readonly Value[];
      const shape = known(x.shape);
      const spatial = shape.flatMap((_, d) => (d < 2 ? [] : [d]));
      const grouped = [shape[0], num_groups, (shape[1] / num_groups) * size(shape.slice(2))];
      const normal = normalise(reshapeTo(x, grouped), [2], epsilon);
      const total = (v: Value) => reduceSum({ axes: [0, ...spatial], keepdims: 0 }, v);
      const scales = reshapeTo(scale, [shape[1], ...spatial.map(() => 1)]);
      const scaled = reshapeTo(mul({}, ct, scales), grouped);
      return [
        reshapeTo(throughNormal(scaled, normal), shape),
        total(mul({}, ct, reshapeTo(normal.normal, shape))),
        total(ct!),
      ];
    },
    /** The units of a group are normalised together, so they go together. */
    channels({ inputs: [x], attrs }, input, axis) {
      if (input === 0 && axis === 0) return carry(0);
      if (input === 0 && axis > 1) return refuse(`${type} normalises over maps`);
      const label = blocks((x!.shape[1] as number) / attrs.num_groups);
      return join([
        { input: 0, axis: 1, label },
        { input: 1, axis: 0, label },
        { input: 2, axis: 0, label },
        { output: 0, axis: 1, label },
      ]);
    },
    fitted({ inputs: [x], attrs: { num_groups } }, gone) {
      const each = (x!.shape[1] as number) / num_groups;
      return { num_groups: num_groups - gone({ input: 0 }, 1).length / each };
    },
    examples: [
      { inputs: [[2, 4, 2, 2], [4], [4]], attrs: { num_groups: 2 } },
      {
        inputs: [[1, 2, 5], [2], [2]],
        attrs: { num_groups: 1, epsilon: 0.125 },
        constants: [1, 2],
      },
      { inputs: [[2, 3, 3], [3], [3]], attrs: { num_groups: 3 }, note: "each map by itself" },
    ],
  });
