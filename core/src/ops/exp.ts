import { outputOf, unary } from "./elementwise.ts";
import { mul } from "./mul.ts";
import type { Operator } from "./operator.ts";

export const exp: Operator<object> = unary({
  type: "Exp",
  of: Math.exp,
  gradient: ([ct], node) => [mul({}, ct!, outputOf(node))],
});
