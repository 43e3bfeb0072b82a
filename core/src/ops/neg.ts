import { unary } from "./elementwise.ts";
import type { Operator } from "./operator.ts";

export const neg: Operator<object> = unary({
  type: "Neg",
  of: (x) => -x,
  gradient: ([ct]) => [neg({}, ct!)],
});
