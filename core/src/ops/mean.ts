import { literal } from "./literal.ts";
import { mul } from "./mul.ts";
import type { Operator } from "./operator.ts";
import { pointwise } from "./pointwise.ts";

/** Of the inputs, element by element. */
export const mean: Operator<object> = pointwise({
  type: "Mean",
  of: (values) => values.reduce((a, b) => a + b) / values.length,
  gradient(ct, inputs) {
    const share = mul({}, ct, literal(ct, 1 / inputs.length));
    return inputs.map(() => share);
  },
  examples: [
    { inputs: [[2, 3]], attrs: {} },
    { inputs: [[2, 3], [3], [2, 1]], attrs: {}, note: "broadcasts" },
  ],
});
