import { cast } from "./cast.ts";
import { greater } from "./greater.ts";
import { literal } from "./literal.ts";
import { scalarFunction } from "./scalarFunction.ts";

/** x above alpha, 0 up to it; the slope at alpha is 0. */
export const thresholdedRelu = scalarFunction({
  type: "ThresholdedRelu",
  defaults: { alpha: 1 },
  of: (x, { alpha }) => (x > alpha ? x : 0),
  slope: (x, _y, { alpha }) => cast({ to: x.dtype }, greater({}, x, literal(x, alpha))),
  examples: [
    { inputs: [[3, 4]], attrs: { alpha: 0.5 } },
    { inputs: [[3, 4]], attrs: { alpha: -0.5 }, note: "below 0" },
  ],
});
