import { float32 } from "../ir/tensor.ts";
import { literal } from "./literal.ts";
import { mul } from "./mul.ts";
import { reciprocal } from "./reciprocal.ts";
import { scalarFunction } from "./scalarFunction.ts";
import { sqrt } from "./sqrt.ts";
import { sub } from "./sub.ts";

/** y' = 1/√(x² − 1) */
export const acosh = scalarFunction({
  type: "Acosh",
  of: Math.acosh,
  slope: (x) => reciprocal({}, sqrt({}, sub({}, mul({}, x, x), literal(x, 1)))),
  examples: [{ inputs: [float32([3], [1.25, 1.7, 4])], attrs: {} }],
});
