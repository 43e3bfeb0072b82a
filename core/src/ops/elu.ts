import { add } from "./add.ts";
import { greater } from "./greater.ts";
import { literal } from "./literal.ts";
import { scalarFunction } from "./scalarFunction.ts";
import { where } from "./where.ts";

/** Below 0: y = α(eˣ − 1) and y' = αeˣ = y + α. */
export const elu = scalarFunction({
  type: "Elu",
  defaults: { alpha: 1 },
  of: (x, { alpha }) => (x > 0 ? x : alpha * Math.expm1(x)),
  slope: (x, y, { alpha }) =>
    where({}, greater({}, x, literal(x, 0)), literal(x, 1), add({}, y, literal(x, alpha))),
  examples: [
    { inputs: [[2, 3]], attrs: {} },
    { inputs: [[2, 3]], attrs: { alpha: 0.5 } },
  ],
});
