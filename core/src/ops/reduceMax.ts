import { sharedAlong } from "./extremum.ts";
import { reduce } from "./reduce.ts";

export const reduceMax = reduce({
  type: "ReduceMax",
  of: (values) => values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY),
  gradient: ({ x, y, ct, axes }) => sharedAlong(axes, ct, x, y),
  fixed: "takes the largest of the units",
});
