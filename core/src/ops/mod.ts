import { float32, int64, isFloat } from "../ir/tensor.ts";
import { check, flag } from "./check.ts";
import { div } from "./div.ts";
import { outputOf } from "./elementwise.ts";
import { mul } from "./mul.ts";
import { neg } from "./neg.ts";
import type { Operator } from "./operator.ts";
import { pointwise } from "./pointwise.ts";
import { sub } from "./sub.ts";

type ModAttrs = { readonly fmod?: number };

/** The remainder has the sign of the dividend with `fmod`, as in C, else that of the divisor, as in Python. */
export const mod: Operator<ModAttrs> = pointwise<ModAttrs>({
  type: "Mod",
  fits(inputs, { fmod }) {
    check(inputs.length === 2, "Mod: needs two inputs");
    const c = flag(fmod, false, "Mod: fmod");
    check(c || !isFloat(inputs[0].dtype), "Mod: floating-point numbers need fmod = 1");
  },
  of([a, b], { fmod }) {
    const rest = a % b;
    return (fmod ?? 0) === 0 && rest !== 0 && rest < 0 !== b < 0 ? rest + b : rest;
  },
  /** a − n·b with a whole n = (a − y)/b that is constant almost everywhere. */
  gradient(ct, [a, b], node) {
    const n = div({}, sub({}, a, outputOf(node)), b);
    return [ct, neg({}, mul({}, ct, n))];
  },
  examples: [
    {
      inputs: [float32([2, 3], [5.3, -5.3, 0.4, 7.1, -2.6, 3.5]), float32([3], [2, -1.5, 3])],
      attrs: { fmod: 1 },
    },
    { inputs: [int64([4], [5, -5, 5, -5]), int64([4], [3, 3, -3, -3])], attrs: {} },
    { inputs: [int64([4], [5, -5, 5, -5]), int64([4], [3, 3, -3, -3])], attrs: { fmod: 1 } },
  ],
});
