import { cos } from "./cos.ts";
import type { Operator } from "./operator.ts";
import { scalarFunction } from "./scalarFunction.ts";

export const sin: Operator<object> = scalarFunction({
  type: "Sin",
  of: Math.sin,
  slope: (x) => cos({}, x),
});
