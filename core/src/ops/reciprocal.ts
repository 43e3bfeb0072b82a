import { outputOf, unary } from "./elementwise.ts";
import { mul } from "./mul.ts";
import { neg } from "./neg.ts";
import type { Operator } from "./operator.ts";

export const reciprocal: Operator<object> = unary({
  type: "Reciprocal",
  of: (x) => 1 / x,
  gradient([ct], node) {
    const y = outputOf(node);
    return [neg({}, mul({}, ct!, mul({}, y, y)))];
  },
});
