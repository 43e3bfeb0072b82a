import { literal } from "./literal.ts";
import { mul } from "./mul.ts";
import { reduce } from "./reduce.ts";

export const reduceMean = reduce({
  type: "ReduceMean",
  of: (values) => values.reduce((a, b) => a + b, 0) / values.length,
  gradient: ({ ct, count }) => mul({}, ct, literal(ct, 1 / count)),
  fixed: "averages over the units",
});
