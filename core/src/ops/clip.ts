import type { Node, Value } from "../ir/graph.ts";
import { float32 } from "../ir/tensor.ts";
import { and } from "./and.ts";
import { unbroadcast } from "./broadcast.ts";
import { cast } from "./cast.ts";
import { check, sameDType } from "./check.ts";
import { greater } from "./greater.ts";
import { greaterOrEqual } from "./greaterOrEqual.ts";
import { less } from "./less.ts";
import { lessOrEqual } from "./lessOrEqual.ts";
import { mul } from "./mul.ts";
import { carry, need, type Operator, operator, refuse } from "./operator.ts";

/** Inputs: x, min, max; the bounds are optional scalars. The derivative is 1 at the bounds themselves. */
export const clip: Operator<object> = operator<object>({
  type: "Clip",
  infer(inputs) {
    const x = need(inputs, 0, "Clip");
    for (const bound of inputs.slice(1)) {
      sameDType(x, bound, "Clip");
      check(bound?.shape.every((d) => d === 1) ?? true, "Clip: a bound is not a scalar");
    }
    return [{ dtype: x.dtype, shape: x.shape }];
  },
  evaluate([x, min, max], _attrs, [{ dtype, shape }]) {
    const low = min?.data[0] ?? -Infinity;
    const high = max?.data[0] ?? Infinity;
    return [
      { dtype, shape, data: Float64Array.from(x!.data, (v) => Math.min(high, Math.max(low, v))) },
    ];
  },
  gradient([ct], { inputs: [x, min, max] }) {
    const where = (mask: Value) => mul({}, ct!, cast({ to: ct!.dtype }, mask));
    return [
      min === undefined && max === undefined ? ct : where(inside(x!, min, max)),
      min && unbroadcast(where(less({}, x, min)), min),
      max && unbroadcast(where(greater({}, x, max)), max),
    ];
  },
  channels: (_node: Node<object>, input, axis) =>
    input === 0 ? carry(axis) : refuse("a bound of Clip has no units"),
  examples: [
    { inputs: [[3, 4], float32([], [-0.5]), float32([], [0.5])], attrs: {} },
    {
      inputs: [[3, 4], undefined, float32([], [0.5])],
      attrs: {},
      constants: [2],
      note: "no minimum",
    },
    { inputs: [[3, 4]], attrs: {} },
  ],
});

function inside(x: Value, min: Value | undefined, max: Value | undefined): Value {
  if (min === undefined) return lessOrEqual({}, x, max);
  if (max === undefined) return greaterOrEqual({}, x, min);
  return and({}, greaterOrEqual({}, x, min), lessOrEqual({}, x, max));
}
