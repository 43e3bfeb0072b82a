import { float32 } from "../ir/tensor.ts";
import { add } from "./add.ts";
import { literal } from "./literal.ts";
import { mul } from "./mul.ts";
import { scalarFunction } from "./scalarFunction.ts";

/** y' = 1 + y² */
export const tan = scalarFunction({
  type: "Tan",
  of: Math.tan,
  slope: (x, y) => add({}, mul({}, y, y), literal(x, 1)),
  examples: [{ inputs: [float32([4], [-0.9, -0.3, 0.2, 0.7])], attrs: {} }],
});
