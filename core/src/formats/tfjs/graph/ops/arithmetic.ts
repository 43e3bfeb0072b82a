import { isConstant, type Value } from "../../../../ir/graph.ts";
import { isFloat } from "../../../../ir/tensor.ts";
import { literal } from "../../../../ops/literal.ts";
import { align } from "../align.ts";
import type { Call, Converter } from "../call.ts";
import { type Held, heldAxis, ordered, rankOf, shapeOf } from "../held.ts";
import { isChannelsLast } from "../windows.ts";

type Two = (call: Call, a: Value, b: Value) => Value;

/** An operator of two operands that broadcast. */
const two =
  (of: Two): Converter =>
  (call) => {
    const { values, order } = align(call, [call.tensor(0), call.tensor(1)]);
    return ordered(of(call, values[0], values[1]), order);
  };

const same = (type: string): Converter => two((call, a, b) => call.apply(type, {}, a, b));

/** Any number of operands. */
const many =
  (type: string): Converter =>
  (call) => {
    const operands = call.inputs.map((_, i) => call.tensor(i));
    const { values, order } = align(call, operands);
    return ordered(
      values.reduce((sum, v) => call.apply(type, {}, sum, v)),
      order,
    );
  };

const floorDivide: Two = (call, a, b) => {
  if (isFloat(a.dtype)) return call.apply("Floor", {}, call.apply("Div", {}, a, b));
  const wide = (v: Value) => call.apply("Cast", { to: 1 }, v);
  const floor = call.apply("Floor", {}, call.apply("Div", {}, wide(a), wide(b)));
  return call.apply("Cast", { to: 6 }, floor);
};

/** The remainder has the sign of the divisor. */
const modulo: Two = (call, a, b) =>
  call.apply("Sub", {}, a, call.apply("Mul", {}, floorDivide(call, a, b), b));

/** 0 where the divisor is 0; the other branch never divides by it, so derivatives stay numbers. */
const divideNoNan: Two = (call, a, b) => {
  const isZero = call.apply("Equal", {}, b, literal(b, 0));
  const divisor = call.apply("Where", {}, isZero, literal(b, 1), b);
  return call.apply("Where", {}, isZero, literal(a, 0), call.apply("Div", {}, a, divisor));
};

const squaredDifference: Two = (call, a, b) => {
  const difference = call.apply("Sub", {}, a, b);
  return call.apply("Mul", {}, difference, difference);
};

/** The channels of a tensor, as the node's data_format tells. */
const channelAxis = (call: Call, rank: number): number => (isChannelsLast(call) ? rank - 1 : 1);

/** A bias joins the convolution before it where nobody else reads that. */
function joined(call: Call, index: number, bias: Value, channels: number): Held | undefined {
  const x = call.elements(index);
  const { node } = x.value;
  const isConv = typeof node.operator !== "string" && node.operator.type === "Conv";
  if (!isConv || node.inputs.length !== 2 || !call.alone(index)) return undefined;
  if (heldAxis(x, channels) !== 1) return undefined;
  const [data, weights] = node.inputs;
  return { ...x, value: call.apply("Conv", { ...node.attrs }, data, weights, bias) };
}

const biasAdd: Converter = (call) => {
  const x = call.elements(0);
  const bias = call.plain(1);
  const rank = rankOf(x);
  const channels = channelAxis(call, rank);
  const whole = joined(call, 0, bias, channels);
  if (whole !== undefined) return whole;
  const at = heldAxis(call.tensor(0), channels);
  const shape = [bias.shape[0], ...new Array<number>(rank - 1 - at).fill(1)];
  return ordered(call.apply("Add", {}, x.value, call.reshape(bias, shape)), x.order);
};

/** A constant for each channel is a bias too. */
const add: Converter = (call) => {
  for (const [index, other] of [
    [0, 1],
    [1, 0],
  ]) {
    const [x, bias] = [call.any(index), call.any(other)];
    if (!isConstant(bias.value)) continue;
    const rank = rankOf(x);
    const length = shapeOf(x)[rank - 1];
    const shape = shapeOf(bias);
    if (rank < 3 || shape.at(-1) !== length || shape.slice(0, -1).some((d) => d !== 1)) continue;
    const vector = call.reshape(call.plain(other), [length]);
    const whole = joined(call, index, vector, rank - 1);
    if (whole !== undefined) return whole;
  }
  return same("Add")(call);
};

const prelu: Converter = (call) => {
  const { values, order } = align(call, [call.tensor(0), call.tensor(1)]);
  return ordered(call.apply("PRelu", {}, values[0], values[1]), order);
};

const select: Converter = (call) => {
  const { values, order } = align(
    call,
    [0, 1, 2].map((i) => call.tensor(i)),
  );
  return ordered(call.apply("Where", {}, ...values), order);
};

export const arithmetic: Readonly<Record<string, Converter>> = {
  Add: add,
  AddV2: add,
  AddN: many("Add"),
  BiasAdd: biasAdd,
  BiasAddV1: biasAdd,
  Sub: same("Sub"),
  Mul: same("Mul"),
  Div: two((call, a, b) =>
    isFloat(a.dtype)
      ? call.apply("Div", {}, a, b)
      : call.apply("Div", {}, call.apply("Cast", { to: 1 }, a), call.apply("Cast", { to: 1 }, b)),
  ),
  RealDiv: same("Div"),
  DivNoNan: two(divideNoNan),
  FloorDiv: two(floorDivide),
  FloorMod: two(modulo),
  Mod: two(modulo),
  Maximum: same("Max"),
  Minimum: same("Min"),
  Pow: same("Pow"),
  SquaredDifference: two(squaredDifference),
  Prelu: prelu,
  Equal: same("Equal"),
  NotEqual: two((call, a, b) => call.apply("Not", {}, call.apply("Equal", {}, a, b))),
  Greater: same("Greater"),
  GreaterEqual: same("GreaterOrEqual"),
  Less: same("Less"),
  LessEqual: same("LessOrEqual"),
  LogicalAnd: same("And"),
  LogicalOr: same("Or"),
  Select: select,
  SelectV2: select,
};
