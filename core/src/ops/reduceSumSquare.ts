import { literal } from "./literal.ts";
import { mul } from "./mul.ts";
import { reduce } from "./reduce.ts";

export const reduceSumSquare = reduce({
  type: "ReduceSumSquare",
  of: (values) => values.reduce((a, b) => a + b * b, 0),
  gradient: ({ x, ct }) => mul({}, x, mul({}, ct, literal(ct, 2))),
});
