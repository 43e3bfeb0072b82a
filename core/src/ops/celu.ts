import { add } from "./add.ts";
import { greater } from "./greater.ts";
import { literal } from "./literal.ts";
import { mul } from "./mul.ts";
import { scalarFunction } from "./scalarFunction.ts";
import { where } from "./where.ts";

/** Below 0: y = α(e^(x/α) − 1) and y' = e^(x/α) = y/α + 1. */
export const celu = scalarFunction({
  type: "Celu",
  defaults: { alpha: 1 },
  of: (x, { alpha }) => Math.max(x, 0) + Math.min(0, alpha * Math.expm1(x / alpha)),
  slope(x, y, { alpha }) {
    const below = add({}, mul({}, y, literal(x, 1 / alpha)), literal(x, 1));
    return where({}, greater({}, x, literal(x, 0)), literal(x, 1), below);
  },
  examples: [
    { inputs: [[2, 3]], attrs: {} },
    { inputs: [[2, 3]], attrs: { alpha: 0.5 } },
  ],
});
