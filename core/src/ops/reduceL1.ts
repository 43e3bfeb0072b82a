import { mul } from "./mul.ts";
import { reduce } from "./reduce.ts";
import { sign } from "./sign.ts";

export const reduceL1 = reduce({
  type: "ReduceL1",
  of: (values) => values.reduce((a, b) => a + Math.abs(b), 0),
  gradient: ({ x, ct }) => mul({}, sign({}, x), ct),
});
