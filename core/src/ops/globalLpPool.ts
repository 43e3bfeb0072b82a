import { size } from "../ir/tensor.ts";
import { needFloat, rankFrom } from "./check.ts";
import { normSlope, powerOf } from "./lpPool.ts";
import { mul } from "./mul.ts";
import { carry, need, type Operator, operator, refuse } from "./operator.ts";

type GlobalLpPoolAttrs = { readonly p?: number };

/** The p-norm of each map. */
export const globalLpPool: Operator<GlobalLpPoolAttrs> = operator<GlobalLpPoolAttrs>({
  type: "GlobalLpPool",
  infer(inputs, attrs) {
    const x = need(inputs, 0, "GlobalLpPool");
    needFloat(x, "GlobalLpPool");
    rankFrom(x, 3, "GlobalLpPool: X");
    powerOf(attrs, "GlobalLpPool");
    return [{ dtype: x.dtype, shape: x.shape.map((d, i) => (i < 2 ? d : 1)) }];
  },
  evaluate([x], attrs, [{ dtype, shape }]) {
    const p = powerOf(attrs, "GlobalLpPool");
    const area = size(x!.shape.slice(2));
    const data = Float64Array.from({ length: size(shape) }, (_, i) => {
      let sum = 0;
      for (let k = 0; k < area; k++) sum += Math.abs(x!.data[i * area + k]) ** p;
      return sum ** (1 / p);
    });
    return [{ dtype, shape, data }];
  },
  gradient([ct], { inputs: [x], outputs: [y], attrs }) {
    const { inner, outer } = normSlope(x!, y, powerOf(attrs, "GlobalLpPool"));
    return [mul({}, inner, outer(ct!))];
  },
  channels: (_node, _input, axis) =>
    axis < 2 ? carry(axis) : refuse("GlobalLpPool sums over the axis"),
  examples: [
    { inputs: [[2, 3, 2, 2]], attrs: {} },
    { inputs: [[1, 2, 5]], attrs: { p: 3 } },
  ],
});
