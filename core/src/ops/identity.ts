import { unary } from "./elementwise.ts";
import type { Operator } from "./operator.ts";

export const identity: Operator<object> = unary({
  type: "Identity",
  of: (x) => x,
  gradient: ([ct]) => [ct],
});
