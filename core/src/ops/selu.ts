import { add } from "./add.ts";
import { greater } from "./greater.ts";
import { literal } from "./literal.ts";
import { scalarFunction } from "./scalarFunction.ts";
import { where } from "./where.ts";

/** Klambauer et al. 2017: γ times Elu, with the α and γ that keep mean 0 and variance 1. */
export const selu = scalarFunction({
  type: "Selu",
  defaults: { alpha: 1.6732632423543772, gamma: 1.0507009873554805 },
  of: (x, { alpha, gamma }) => gamma * (x > 0 ? x : alpha * Math.expm1(x)),
  slope: (x, y, { alpha, gamma }) =>
    where(
      {},
      greater({}, x, literal(x, 0)),
      literal(x, gamma),
      add({}, y, literal(x, gamma * alpha)),
    ),
  examples: [
    { inputs: [[2, 3]], attrs: {} },
    { inputs: [[2, 3]], attrs: { alpha: 0.5, gamma: 2 } },
  ],
});
