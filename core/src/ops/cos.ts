import { neg } from "./neg.ts";
import type { Operator } from "./operator.ts";
import { scalarFunction } from "./scalarFunction.ts";
import { sin } from "./sin.ts";

export const cos: Operator<object> = scalarFunction({
  type: "Cos",
  of: Math.cos,
  slope: (x) => neg({}, sin({}, x)),
});
