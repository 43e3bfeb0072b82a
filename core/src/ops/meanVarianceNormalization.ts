import type { Value } from "../ir/graph.ts";
import { known, size } from "../ir/tensor.ts";
import { add } from "./add.ts";
import { broadcastOffsets } from "./broadcast.ts";
import { axesOf, needFloat } from "./check.ts";
import { div } from "./div.ts";
import { equal } from "./equal.ts";
import { literal } from "./literal.ts";
import { mul } from "./mul.ts";
import { carry, need, type Operator, operator, refuse } from "./operator.ts";
import { keptShape } from "./reduce.ts";
import { reduceMean } from "./reduceMean.ts";
import { reduceSum } from "./reduceSum.ts";
import { sqrt } from "./sqrt.ts";
import { sub } from "./sub.ts";
import { where } from "./where.ts";

type MeanVarianceNormalizationAttrs = { readonly axes?: readonly number[] };

const type = "MeanVarianceNormalization";
/** Added to the standard deviation, as in ONNX's function. */
const EPSILON = 1e-9;

/** y = (x − mean)/(deviation + 1e-9), over `axes`, by default all but the channels of an image. */
export const meanVarianceNormalization: Operator<MeanVarianceNormalizationAttrs> =
  operator<MeanVarianceNormalizationAttrs>({
    type,
    infer(inputs, attrs) {
      const x = need(inputs, 0, type);
      needFloat(x, type);
      along(attrs, x.shape.length);
      return [{ dtype: x.dtype, shape: x.shape }];
    },
    evaluate([x], attrs, [{ dtype, shape }]) {
      const axes = along(attrs, shape.length);
      const kept = keptShape(shape, axes);
      const at = broadcastOffsets(kept, shape);
      const n = size(axes.map((a) => shape[a]));
      const means = new Float64Array(size(kept));
      x!.data.forEach((v, i) => {
        means[at[i]] += v / n;
      });
      const variances = new Float64Array(means.length);
      x!.data.forEach((v, i) => {
        variances[at[i]] += (v - means[at[i]]) ** 2 / n;
      });
      const data = Float64Array.from(
        x!.data,
        (v, i) => (v - means[at[i]]) / (Math.sqrt(variances[at[i]]) + EPSILON),
      );
      return [{ dtype, shape, data }];
    },
    /** With m the mean over the axes: (ct − m(ct))/(deviation + 1e-9) − y·m(ct·y)/deviation. */
    gradient([ct], { inputs: [x], outputs: [y], attrs }) {
      const axes = along(attrs, y.shape.length);
      const centred = sub({}, x, reduceMean({ axes }, x));
      const deviation = sqrt({}, reduceMean({ axes }, mul({}, centred, centred)));
      const share = literal(y, 1 / size(axes.map((a) => known(y.shape)[a])));
      const mean = (v: Value) => mul({}, reduceSum({ axes }, v), share);
      const flat = equal({}, deviation, literal(y, 0));
      const divisor = where({}, flat, literal(y, 1), deviation);
      return [
        sub(
          {},
          div({}, sub({}, ct, mean(ct!)), add({}, deviation, literal(y, EPSILON))),
          mul({}, y, div({}, mean(mul({}, ct, y)), divisor)),
        ),
      ];
    },
    channels: ({ outputs: [y], attrs }, _input, axis) =>
      along(attrs, y.shape.length).includes(axis)
        ? refuse(`${type} normalises over the axis`)
        : carry(axis),
    examples: [
      { inputs: [[2, 3, 2, 2]], attrs: {} },
      { inputs: [[2, 3, 4]], attrs: { axes: [-1] } },
    ],
  });

const along = ({ axes }: MeanVarianceNormalizationAttrs, rank: number): readonly number[] =>
  axesOf(axes ?? [0, 2, 3], rank, `${type}: axes`);
