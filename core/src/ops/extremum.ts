import type { Value } from "../ir/graph.ts";
import { add } from "./add.ts";
import { cast } from "./cast.ts";
import { div } from "./div.ts";
import { equal } from "./equal.ts";
import { mul } from "./mul.ts";
import { reduceSum } from "./reduceSum.ts";

/** The cotangents of Max and Min: inputs that are equal to y share its cotangent evenly, as in PyTorch. */
export function shared(ct: Value, inputs: readonly Value[], y: Value): readonly Value[] {
  if (inputs.length === 1) return [ct];
  const masks = inputs.map((x) => hits(x, y));
  const count = masks.reduce((a, b) => add({}, a, b));
  return masks.map((mask) => mul({}, ct, div({}, mask, count)));
}

/** The cotangent of ReduceMax and ReduceMin: elements that are equal to y share evenly, as in PyTorch's amax. */
export function sharedAlong(axes: readonly number[], ct: Value, x: Value, y: Value): Value {
  const mask = hits(x, y);
  const count = axes.length === 0 ? mask : reduceSum({ axes }, mask);
  return mul({}, mask, div({}, ct, count));
}

const hits = (x: Value, y: Value): Value => cast({ to: x.dtype }, equal({}, x, y));
