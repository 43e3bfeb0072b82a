import { size } from "../ir/tensor.ts";
import { axisOf, needFloat } from "./check.ts";
import { exp } from "./exp.ts";
import { mul } from "./mul.ts";
import { carry, need, type Operator, operator, refuse } from "./operator.ts";
import { reduceSum } from "./reduceSum.ts";
import { sub } from "./sub.ts";

type LogSoftmaxAttrs = { readonly axis?: number };

export const logSoftmax: Operator<LogSoftmaxAttrs> = operator<LogSoftmaxAttrs>({
  type: "LogSoftmax",
  infer(inputs, attrs) {
    const x = need(inputs, 0, "LogSoftmax");
    needFloat(x, "LogSoftmax");
    along(attrs, x.shape.length);
    return [{ dtype: x.dtype, shape: x.shape }];
  },
  evaluate([x], attrs, [{ dtype, shape }]) {
    const axis = along(attrs, shape.length);
    const n = shape[axis];
    const inner = size(shape.slice(axis + 1));
    const data = new Float64Array(x!.data.length);
    for (let i = 0; i < data.length; i++) {
      if (Math.floor(i / inner) % n !== 0) continue;
      let max = -Infinity;
      for (let k = 0; k < n; k++) max = Math.max(max, x!.data[i + k * inner]);
      let sum = 0;
      for (let k = 0; k < n; k++) sum += Math.exp(x!.data[i + k * inner] - max);
      const total = max + Math.log(sum);
      for (let k = 0; k < n; k++) data[i + k * inner] = x!.data[i + k * inner] - total;
    }
    return [{ dtype, shape, data }];
  },
  /** ct − eʸ·Σ ct */
  gradient([ct], { outputs: [y], attrs }) {
    const sum = reduceSum({ axes: [along(attrs, y.shape.length)] }, ct);
    return [sub({}, ct, mul({}, exp({}, y), sum))];
  },
  channels: ({ outputs: [y], attrs }, _input, axis) =>
    axis === along(attrs, y.shape.length)
      ? refuse("LogSoftmax normalises over the units")
      : carry(axis),
  examples: [
    { inputs: [[2, 3]], attrs: {} },
    { inputs: [[2, 3, 2]], attrs: { axis: 1 } },
  ],
});

const along = ({ axis }: LogSoftmaxAttrs, rank: number): number =>
  axisOf(axis ?? -1, rank, "LogSoftmax: axis");
