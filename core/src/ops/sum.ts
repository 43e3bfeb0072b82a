import type { Operator } from "./operator.ts";
import { pointwise } from "./pointwise.ts";

export const sum: Operator<object> = pointwise({
  type: "Sum",
  of: (values) => values.reduce((a, b) => a + b),
  gradient: (ct, inputs) => inputs.map(() => ct),
  examples: [
    { inputs: [[2, 3]], attrs: {} },
    { inputs: [[2, 3], [3], [2, 1]], attrs: {}, note: "broadcasts" },
  ],
});
