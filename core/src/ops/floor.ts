import { scalarFunction } from "./scalarFunction.ts";

export const floor = scalarFunction({
  type: "Floor",
  of: Math.floor,
  slope: "none",
});
