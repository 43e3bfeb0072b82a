import { abs } from "./abs.ts";
import { add } from "./add.ts";
import { literal } from "./literal.ts";
import { mul } from "./mul.ts";
import { reciprocal } from "./reciprocal.ts";
import { scalarFunction } from "./scalarFunction.ts";

/** y = x/(1 + |x|), y' = 1/(1 + |x|)². */
export const softsign = scalarFunction({
  type: "Softsign",
  of: (x) => x / (1 + Math.abs(x)),
  slope(x) {
    const rate = reciprocal({}, add({}, abs({}, x), literal(x, 1)));
    return mul({}, rate, rate);
  },
});
