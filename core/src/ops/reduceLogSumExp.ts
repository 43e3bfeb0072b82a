import { exp } from "./exp.ts";
import { mul } from "./mul.ts";
import { reduce } from "./reduce.ts";
import { sub } from "./sub.ts";

export const reduceLogSumExp = reduce({
  type: "ReduceLogSumExp",
  of(values) {
    const max = values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
    if (!Number.isFinite(max)) return max;
    return max + Math.log(values.reduce((a, b) => a + Math.exp(b - max), 0));
  },
  /** The softmax. */
  gradient: ({ x, y, ct }) => mul({}, exp({}, sub({}, x, y)), ct),
  fixed: "counts every unit, also one that is 0",
});
