import { add } from "./add.ts";
import { literal } from "./literal.ts";
import { mul } from "./mul.ts";
import { scalarFunction } from "./scalarFunction.ts";
import { sigmoid } from "./sigmoid.ts";
import { softplus, softplusOf } from "./softplus.ts";
import { sub } from "./sub.ts";
import { tanh } from "./tanh.ts";

/** Misra 2019: y = x·t with t = tanh(softplus(x)); y' = t + x·(1 − t²)·sigmoid(x). */
export const mish = scalarFunction({
  type: "Mish",
  of: (x) => x * Math.tanh(softplusOf(x)),
  slope(x) {
    const t = tanh({}, softplus({}, x));
    const steep = mul({}, sub({}, literal(x, 1), mul({}, t, t)), sigmoid({}, x));
    return add({}, t, mul({}, x, steep));
  },
});
