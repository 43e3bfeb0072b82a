import { div } from "./div.ts";
import { equal } from "./equal.ts";
import { literal } from "./literal.ts";
import { mul } from "./mul.ts";
import { reduce } from "./reduce.ts";
import { where } from "./where.ts";

export const reduceL2 = reduce({
  type: "ReduceL2",
  of: (values) => Math.sqrt(values.reduce((a, b) => a + b * b, 0)),
  /** x/y, and 0 where all elements are 0, as in PyTorch. */
  gradient({ x, y, ct }) {
    const divisor = where({}, equal({}, y, literal(y, 0)), literal(y, 1), y);
    return mul({}, x, div({}, ct, divisor));
  },
});
