import { outputOf, unary } from "./elementwise.ts";
import { literal } from "./literal.ts";
import { mul } from "./mul.ts";
import type { Operator } from "./operator.ts";
import { sub } from "./sub.ts";

export const tanh: Operator<object> = unary({
  type: "Tanh",
  of: Math.tanh,
  gradient([ct], node) {
    const y = outputOf(node);
    return [mul({}, ct!, sub({}, literal(y, 1), mul({}, y, y)))];
  },
});
