import { float32 } from "../ir/tensor.ts";
import { literal } from "./literal.ts";
import { mul } from "./mul.ts";
import { reciprocal } from "./reciprocal.ts";
import { scalarFunction } from "./scalarFunction.ts";
import { sub } from "./sub.ts";

/** y' = 1/(1 − x²) */
export const atanh = scalarFunction({
  type: "Atanh",
  of: Math.atanh,
  slope: (x) => reciprocal({}, sub({}, literal(x, 1), mul({}, x, x))),
  examples: [{ inputs: [float32([4], [-0.9, -0.3, 0.2, 0.7])], attrs: {} }],
});
