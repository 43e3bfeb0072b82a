import { scalarFunction } from "./scalarFunction.ts";
import { sigmoid } from "./sigmoid.ts";

/** log(1 + eˣ), without overflow. */
export const softplusOf = (x: number): number =>
  Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

export const softplus = scalarFunction({
  type: "Softplus",
  of: softplusOf,
  slope: (x) => sigmoid({}, x),
});
