import { sharedAlong } from "./extremum.ts";
import { reduce } from "./reduce.ts";

export const reduceMin = reduce({
  type: "ReduceMin",
  of: (values) => values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY),
  gradient: ({ x, y, ct, axes }) => sharedAlong(axes, ct, x, y),
  fixed: "takes the smallest of the units",
});
