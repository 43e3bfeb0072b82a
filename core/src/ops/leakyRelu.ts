import { greater } from "./greater.ts";
import { literal } from "./literal.ts";
import { scalarFunction } from "./scalarFunction.ts";
import { where } from "./where.ts";

/** The slope at 0 is alpha, as in PyTorch. */
export const leakyRelu = scalarFunction({
  type: "LeakyRelu",
  defaults: { alpha: 0.01 },
  of: (x, { alpha }) => (x >= 0 ? x : alpha * x),
  slope: (x, _y, { alpha }) =>
    where({}, greater({}, x, literal(x, 0)), literal(x, 1), literal(x, alpha)),
  examples: [
    { inputs: [[2, 3]], attrs: {} },
    { inputs: [[2, 3]], attrs: { alpha: 0.25 } },
    { inputs: [[2, 3]], attrs: { alpha: -0.5 }, note: "not monotone" },
  ],
});
