import type { Value } from "../../../../ir/graph.ts";
import { InvalidNode } from "../../../../ops/operator.ts";
import { type Call, type Converter, Unsupported } from "../call.ts";
import { type Held, heldAxis, identity, ordered, rankOf } from "../held.ts";

/** Over the axes that input 1 lists; what is left keeps its order. */
const reduce =
  (of: (call: Call, x: Value, axes: Value, keepdims: number) => Value): Converter =>
  (call) => {
    const x = call.tensor(0);
    const axes = call.axes(call.numbers(1), rankOf(x));
    const keep = call.attributes.bool("keep_dims") || call.attributes.bool("keepDims");
    const held = axes.map((a) => heldAxis(x, a)).sort((a, b) => a - b);
    // Without axes ONNX would go over all of them.
    if (held.length === 0) return x;
    const value = of(call, x.value, call.integers(held), keep ? 1 : 0);
    return ordered(value, keep ? x.order : without(x, axes));
  };

/** The order of the axes that are left. */
export const without = ({ order }: Held, axes: readonly number[]): readonly number[] =>
  order
    .filter((axis) => !axes.includes(axis))
    .map((axis) => axis - axes.filter((a) => a < axis).length);

const same = (type: string): Converter =>
  reduce((call, x, axes, keepdims) => call.apply(type, { keepdims }, x, axes));

/** Of truth values, by numbers 0 and 1. */
const logical = (type: string): Converter =>
  reduce((call, x, axes, keepdims) => {
    const numbers = call.apply("Cast", { to: 1 }, x);
    return call.apply("Cast", { to: 9 }, call.apply(type, { keepdims }, numbers, axes));
  });

const place =
  (type: string): Converter =>
  (call) => {
    const x = call.tensor(0);
    const [along = 0] = call.inputs.length > 1 ? call.numbers(1) : [];
    const axis = call.axis(along, rankOf(x));
    const at = call.apply(type, { axis: heldAxis(x, axis), keepdims: 0 }, x.value);
    return ordered(call.apply("Cast", { to: 6 }, at), without(x, [axis]));
  };

const cumulative: Converter = (call) => {
  const x = call.tensor(0);
  const [along] = call.numbers(1);
  const axis = heldAxis(x, call.axis(along, rankOf(x)));
  const attrs = {
    exclusive: call.attributes.bool("exclusive") ? 1 : 0,
    reverse: call.attributes.bool("reverse") ? 1 : 0,
  };
  return ordered(call.apply("CumSum", attrs, x.value, call.integer(axis)), x.order);
};

/** Values and places of the k largest along the last axis. */
const topK: Converter = (call) => {
  const x = call.plain(0);
  const [k] = call.numbers(1);
  if (!Number.isInteger(k) || k < 0) throw new InvalidNode(`k is ${k}`);
  const axis = x.shape.length - 1;
  const [values, places] = call.all("TopK", { axis }, [x, call.integers([k])]);
  const order = identity(x.shape.length);
  return [ordered(values, order), ordered(call.apply("Cast", { to: 6 }, places), order)];
};

const refuse =
  (why: string): Converter =>
  () => {
    throw new Unsupported(why);
  };

export const reduction: Readonly<Record<string, Converter>> = {
  All: logical("ReduceMin"),
  Any: logical("ReduceMax"),
  ArgMax: place("ArgMax"),
  ArgMin: place("ArgMin"),
  Cumprod: refuse("cumulative products are not supported"),
  Cumsum: cumulative,
  EuclideanNorm: same("ReduceL2"),
  Max: same("ReduceMax"),
  Mean: same("ReduceMean"),
  Min: same("ReduceMin"),
  Prod: same("ReduceProd"),
  Sum: same("ReduceSum"),
  TopKV2: topK,
};
