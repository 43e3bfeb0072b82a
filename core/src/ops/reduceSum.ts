import { known } from "../ir/tensor.ts";
import { broadcastOffsets } from "./broadcast.ts";
import { constantInputs } from "./constantInputs.ts";
import { expand } from "./expand.ts";
import { need, type Operator, operator } from "./operator.ts";
import { keptShape, type ReduceAttrs, reducedAxes, reducedRule, reducedType } from "./reduce.ts";
import { reshapeTo } from "./reshape.ts";

export const reduceSum: Operator<ReduceAttrs> = operator<ReduceAttrs>({
  type: "ReduceSum",
  infer: (inputs, attrs) => [reducedType(need(inputs, 0, "ReduceSum"), attrs, "ReduceSum")],
  evaluate([x], attrs, [{ dtype, shape }]) {
    const kept = keptShape(x!.shape, reducedAxes(attrs, x!.shape.length, "ReduceSum"));
    const data = new Float64Array(kept.reduce((a, b) => a * b, 1));
    broadcastOffsets(kept, x!.shape).forEach((at, i) => {
      data[at] += x!.data[i];
    });
    return [{ dtype, shape, data }];
  },
  gradient([ct], { inputs: [x], attrs }) {
    const shape = known(x!.shape);
    const kept = keptShape(shape, reducedAxes(attrs, shape.length, "ReduceSum"));
    return [expand({ shape }, reshapeTo(ct!, kept))];
  },
  channels: ({ inputs: [x], attrs }, _input, axis) =>
    reducedRule(attrs, x!.shape.length, axis, "ReduceSum"),
  ...constantInputs("ReduceSum", [{ attr: "axes", input: 1 }]),
  examples: [
    { inputs: [[2, 3, 2]], attrs: { axes: [1], keepdims: 0 } },
    { inputs: [[2, 3, 2]], attrs: { axes: [0, -1] } },
    { inputs: [[2, 3]], attrs: {} },
  ],
});
