import { exp } from "./exp.ts";
import { literal } from "./literal.ts";
import { mul } from "./mul.ts";
import { neg } from "./neg.ts";
import { scalarFunction } from "./scalarFunction.ts";

/** From here on 1 − erf(x) < 1e-16. */
const FLAT = 5.9;
/** Up to here the series converges quickly, beyond it the continued fraction. */
const NEAR = 2.5;

/** y' = 2/√π · e^(−x²) */
export const erf = scalarFunction({
  type: "Erf",
  of: erfOf,
  slope: (x) => mul({}, exp({}, neg({}, mul({}, x, x))), literal(x, 2 / Math.sqrt(Math.PI))),
  examples: [{ inputs: [[2, 3]], attrs: {} }],
});

/** The error function, to 1e-15. */
export function erfOf(x: number): number {
  if (Number.isNaN(x)) return x;
  const a = Math.abs(x);
  if (a > FLAT) return Math.sign(x);
  return Math.sign(x) * (a < NEAR ? series(a) : 1 - fraction(a));
}

/** Abramowitz & Stegun 7.1.6: 2/√π · e^(−x²) · Σ 2ⁿ x^(2n+1) / (1·3·…·(2n+1)); every term is positive. */
function series(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; term > sum * 1e-17; n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

/** 7.1.14: erfc(x) = e^(−x²)/√π · 1/(x + ½/(x + 1/(x + ³⁄₂/(x + …)))), from the inside out. */
function fraction(x: number): number {
  let rest = x;
  for (let k = 100; k >= 1; k--) rest = x + k / 2 / rest;
  return Math.exp(-x * x) / (Math.sqrt(Math.PI) * rest);
}
