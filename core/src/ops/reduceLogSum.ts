import { float32 } from "../ir/tensor.ts";
import { exp } from "./exp.ts";
import { mul } from "./mul.ts";
import { neg } from "./neg.ts";
import { reduce } from "./reduce.ts";

const positive = float32([2, 3], [0.3, 1.2, 2.5, 0.7, 1.6, 0.9]);

export const reduceLogSum = reduce({
  type: "ReduceLogSum",
  of: (values) => Math.log(values.reduce((a, b) => a + b, 0)),
  gradient: ({ y, ct }) => mul({}, ct, exp({}, neg({}, y))),
  examples: [
    { inputs: [positive], attrs: { axes: [1], keepdims: 0 } },
    { inputs: [positive], attrs: {} },
  ],
});
