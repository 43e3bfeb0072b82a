import { float32 } from "../ir/tensor.ts";
import { literal } from "./literal.ts";
import { mul } from "./mul.ts";
import { neg } from "./neg.ts";
import { reciprocal } from "./reciprocal.ts";
import { scalarFunction } from "./scalarFunction.ts";
import { sqrt } from "./sqrt.ts";
import { sub } from "./sub.ts";

/** y' = −1/√(1 − x²) */
export const acos = scalarFunction({
  type: "Acos",
  of: Math.acos,
  slope: (x) => neg({}, reciprocal({}, sqrt({}, sub({}, literal(x, 1), mul({}, x, x))))),
  examples: [{ inputs: [float32([4], [-0.9, -0.3, 0.2, 0.7])], attrs: {} }],
});
