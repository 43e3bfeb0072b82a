import type { Value } from "../ir/graph.ts";
import { known } from "../ir/tensor.ts";
import { cast } from "./cast.ts";
import { check } from "./check.ts";
import { div } from "./div.ts";
import { equal } from "./equal.ts";
import { filled } from "./literal.ts";
import { mul } from "./mul.ts";

/** What becomes of an element when an update arrives. */
const reductions: Readonly<Record<string, (now: number, update: number) => number>> = {
  none: (_, update) => update,
  add: (now, update) => now + update,
  mul: (now, update) => now * update,
  max: Math.max,
  min: Math.min,
};

export function reductionOf(reduction: unknown, type: string) {
  check(
    reduction === undefined || Object.hasOwn(reductions, String(reduction)),
    `${type}: reduction ${String(reduction)} is unknown`,
  );
  return reductions[reduction === undefined ? "none" : String(reduction)];
}

/** Scattering and gathering at the same indices. */
interface Places {
  scatter(reduction: string, data: Value, updates: Value): Value;
  gather(data: Value): Value;
}

/**
 * Cotangents of data and updates. With max and min, those that attain the result share evenly; with mul,
 * an update that is 0 has an undefined derivative (NaN), as in PyTorch's scatter_reduce without zeros.
 */
export function scatterGradient(
  ct: Value,
  [data, updates, y]: readonly [Value, Value, Value],
  reduction: string,
  { scatter, gather }: Places,
): readonly [Value, Value] {
  const like = (v: Value, value: number) => filled(ct, known(v.shape), value);
  switch (reduction) {
    case "none":
      return [scatter("none", ct, like(updates, 0)), gather(ct)];
    case "add":
      return [ct, gather(ct)];
    case "mul": {
      const factors = scatter("mul", like(data, 1), updates);
      return [mul({}, ct, factors), div({}, gather(mul({}, ct, y)), updates)];
    }
    default: {
      const hit = (v: Value, result: Value) => cast({ to: ct.dtype }, equal({}, v, result));
      const [own, theirs] = [hit(data, y), hit(updates, gather(y))];
      const count = scatter("add", own, theirs);
      const share = div({}, ct, count);
      return [mul({}, share, own), mul({}, gather(share), theirs)];
    }
  }
}
