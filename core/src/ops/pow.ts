import { constantOf, type Node, type Value } from "../ir/graph.ts";
import { float32, int64, isFloat, type Tensor } from "../ir/tensor.ts";
import { and } from "./and.ts";
import { broadcast, broadcastOffsets, broadcastRule, unbroadcast } from "./broadcast.ts";
import { cast } from "./cast.ts";
import { check } from "./check.ts";
import { equal } from "./equal.ts";
import { greaterOrEqual } from "./greaterOrEqual.ts";
import { literal } from "./literal.ts";
import { log } from "./log.ts";
import { mul } from "./mul.ts";
import { need, type Operator, operator } from "./operator.ts";
import { sub } from "./sub.ts";
import { where } from "./where.ts";

const base = float32([2, 3], [0.3, 1.2, 2.5, 0.7, 1.6, 0.9]);

/** Inputs: base x, and exponent y, which may have another element type. */
export const pow: Operator<object> = operator<object>({
  type: "Pow",
  infer(inputs) {
    const [x, y] = [need(inputs, 0, "Pow"), need(inputs, 1, "Pow")];
    for (const { dtype } of [x, y])
      check(dtype !== "bool" && dtype !== "string", `Pow: ${dtype} is not a number`);
    return [{ dtype: x.dtype, shape: broadcast(x.shape, y.shape, "Pow") }];
  },
  evaluate([x, y], _attrs, [{ dtype, shape }]) {
    const [ox, oy] = [x!, y!].map((t) => broadcastOffsets(t.shape, shape));
    const whole = isFloat(dtype) ? (v: number) => v : Math.trunc;
    const data = Float64Array.from(ox, (at, i) => whole(x!.data[at] ** y!.data[oy[i]]));
    return [{ dtype, shape, data }];
  },
  /** y·x^(y − 1), and x^y·log(x); 0 where y is 0, and where x is 0 with y ≥ 0, as in PyTorch. */
  gradient([ct], { inputs, outputs: [z] }) {
    const [x, y] = inputs as readonly [Value, Value];
    const exponent = cast({ to: x.dtype }, y);
    const zero = literal(x, 0);
    const flat = and({}, equal({}, x, zero), greaterOrEqual({}, exponent, zero));
    const rate = where({}, flat, zero, mul({}, z, log({}, x)));
    return [
      unbroadcast(mul({}, ct, baseSlope(x, y, exponent)), x),
      isFloat(y.dtype) ? unbroadcast(cast({ to: y.dtype }, mul({}, ct, rate)), y) : undefined,
    ];
  },
  channels: (node, input, axis) => broadcastRule(node as unknown as Node, input, axis),
  examples: [
    { inputs: [base, [3]], attrs: {}, note: "both vary" },
    { inputs: [[2, 3], int64([], [2])], attrs: {}, note: "a square" },
    { inputs: [[2, 3], float32([], [3])], attrs: {}, constants: [1], note: "a cube" },
    { inputs: [base, float32([1], [-0.5])], attrs: {}, constants: [1] },
    { inputs: [base, float32([3], [0, 1, 2.5])], attrs: {}, constants: [1] },
  ],
});

function baseSlope(x: Value, y: Value, exponent: Value): Value {
  const single = onlyNumber(constantOf(y));
  if (single === 0) return literal(x, 0);
  if (single === 1) return literal(x, 1);
  if (single === 2) return mul({}, x, literal(x, 2));
  if (single !== undefined) return mul({}, pow({}, x, literal(x, single - 1)), literal(x, single));
  // 0·x⁻¹ is not a number at x = 0, so an exponent of 0 is kept out before and after.
  const zero = literal(x, 0);
  const none = equal({}, exponent, zero);
  const lower = where({}, none, zero, sub({}, exponent, literal(x, 1)));
  return mul({}, exponent, pow({}, x, lower));
}

const onlyNumber = (t: Tensor | undefined): number | undefined =>
  t?.data.length === 1 ? t.data[0] : undefined;
