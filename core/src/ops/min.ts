import { outputOf } from "./elementwise.ts";
import { shared } from "./extremum.ts";
import type { Operator } from "./operator.ts";
import { pointwise } from "./pointwise.ts";

export const min: Operator<object> = pointwise({
  type: "Min",
  of: (values) => Math.min(...values),
  gradient: (ct, inputs, node) => shared(ct, inputs, outputOf(node)),
  examples: [
    { inputs: [[2, 3]], attrs: {} },
    { inputs: [[2, 3], [3], [2, 1]], attrs: {}, note: "broadcasts" },
  ],
});
