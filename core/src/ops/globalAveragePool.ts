import { known, size } from "../ir/tensor.ts";
import { needFloat, rankFrom } from "./check.ts";
import { div } from "./div.ts";
import { expand } from "./expand.ts";
import { literal } from "./literal.ts";
import { carry, need, type Operator, operator, refuse } from "./operator.ts";

export const globalAveragePool: Operator<object> = operator<object>({
  type: "GlobalAveragePool",
  infer(inputs) {
    const x = need(inputs, 0, "GlobalAveragePool");
    needFloat(x, "GlobalAveragePool");
    rankFrom(x, 2, "GlobalAveragePool: X");
    return [{ dtype: x.dtype, shape: x.shape.map((d, i) => (i < 2 ? d : 1)) }];
  },
  evaluate([x], _attrs, [{ dtype, shape }]) {
    const area = size(x!.shape.slice(2));
    const data = Float64Array.from({ length: size(shape) }, (_, i) => {
      let sum = 0;
      for (let k = 0; k < area; k++) sum += x!.data[i * area + k];
      return sum / area;
    });
    return [{ dtype, shape, data }];
  },
  gradient([ct], { inputs: [x] }) {
    const shape = known(x!.shape);
    return [expand({ shape }, div({}, ct, literal(ct!, size(shape.slice(2)))))];
  },
  channels: (_node, _input, axis) =>
    axis < 2 ? carry(axis) : refuse("GlobalAveragePool averages over the axis"),
  examples: [
    { inputs: [[2, 3, 2, 2]], attrs: {} },
    { inputs: [[1, 2, 5]], attrs: {} },
  ],
});
