import { float32 } from "../ir/tensor.ts";
import { scalarFunction } from "./scalarFunction.ts";

const odd = float32([5], [Number.NaN, 1, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0]);

export const isNan = scalarFunction({
  type: "IsNaN",
  of: (x) => (Number.isNaN(x) ? 1 : 0),
  slope: "none",
  result: "bool",
  examples: [{ inputs: [odd], attrs: {} }],
});
