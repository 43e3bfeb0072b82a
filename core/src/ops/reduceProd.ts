import type { Value } from "../ir/graph.ts";
import { cast } from "./cast.ts";
import { div } from "./div.ts";
import { equal } from "./equal.ts";
import { literal } from "./literal.ts";
import { mul } from "./mul.ts";
import { reduce } from "./reduce.ts";
import { reduceSum } from "./reduceSum.ts";
import { where } from "./where.ts";

export const reduceProd = reduce({
  type: "ReduceProd",
  of: (values) => values.reduce((a, b) => a * b, 1),
  gradient: ({ x, ct, axes }) => mul({}, ct, others(x, axes)),
  fixed: "multiplies the units",
});

/**
 * For each element the product of all the others: that of all that are not 0, divided by the element,
 * as long as no other element is 0. Higher derivatives are exact where no element is 0.
 */
function others(x: Value, axes: readonly number[]): Value {
  const [zero, one] = [literal(x, 0), literal(x, 1)];
  const isZero = equal({}, x, zero);
  const safe = where({}, isZero, one, x);
  const product = axes.length === 0 ? safe : reduceProd({ axes }, safe);
  const mask = cast({ to: x.dtype }, isZero);
  const zeros = axes.length === 0 ? mask : reduceSum({ axes }, mask);
  return where(
    {},
    isZero,
    where({}, equal({}, zeros, one), product, zero),
    where({}, equal({}, zeros, zero), div({}, product, safe), zero),
  );
}
