import { float32 } from "../ir/tensor.ts";
import { add } from "./add.ts";
import { literal } from "./literal.ts";
import { mul } from "./mul.ts";
import { reciprocal } from "./reciprocal.ts";
import { scalarFunction } from "./scalarFunction.ts";

/** y' = 1/(1 + x²) */
export const atan = scalarFunction({
  type: "Atan",
  of: Math.atan,
  slope: (x) => reciprocal({}, add({}, mul({}, x, x), literal(x, 1))),
  examples: [{ inputs: [float32([5], [-0.9, -0.3, 0.2, 0.7, 3])], attrs: {} }],
});
