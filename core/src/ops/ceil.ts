import { scalarFunction } from "./scalarFunction.ts";

export const ceil = scalarFunction({
  type: "Ceil",
  of: Math.ceil,
  slope: "none",
});
