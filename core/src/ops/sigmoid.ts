import { outputOf, unary } from "./elementwise.ts";
import { mul } from "./mul.ts";
import type { Operator } from "./operator.ts";
import { sub } from "./sub.ts";

/** y' = y − y², written so that only y is kept from the forward pass. */
export const sigmoid: Operator<object> = unary({
  type: "Sigmoid",
  of: (x) => (x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x))),
  gradient([ct], node) {
    const y = outputOf(node);
    return [mul({}, ct!, sub({}, y, mul({}, y, y)))];
  },
});
