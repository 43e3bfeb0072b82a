import { cosh } from "./cosh.ts";
import type { Operator } from "./operator.ts";
import { scalarFunction } from "./scalarFunction.ts";

export const sinh: Operator<object> = scalarFunction({
  type: "Sinh",
  of: Math.sinh,
  slope: (x) => cosh({}, x),
});
