import type { Operator } from "./operator.ts";
import { scalarFunction } from "./scalarFunction.ts";
import { sinh } from "./sinh.ts";

export const cosh: Operator<object> = scalarFunction({
  type: "Cosh",
  of: Math.cosh,
  slope: (x) => sinh({}, x),
});
