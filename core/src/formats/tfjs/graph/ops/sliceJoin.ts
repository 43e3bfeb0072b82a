import type { Dim } from "../../../../ir/tensor.ts";
import { InvalidNode } from "../../../../ops/operator.ts";
import { align } from "../align.ts";
import { type Call, type Converter, Unsupported } from "../call.ts";
import { type Held, heldAxis, identity, ordered, plain, rankOf, shapeOf } from "../held.ts";
import { stridedSlice } from "../stridedSlice.ts";
import { without } from "./reduction.ts";

/** Joins along an axis, all in the order of the first that is moved. */
function join(call: Call, parts: readonly Held[], along: number): Held {
  const { values, order } = align(call, parts);
  const axis = call.axis(along, order.length);
  if (values.length === 1) return ordered(values[0], order);
  return ordered(call.apply("Concat", { axis: order.indexOf(axis) }, ...values), order);
}

/** The axis is the last input, or the first of the old version. */
const concat =
  (first: boolean): Converter =>
  (call) => {
    const count = call.inputs.length - 1;
    const parts = identity(count).map((i) => call.tensor(first ? i + 1 : i));
    const [axis] = call.numbers(first ? 0 : count);
    if (parts.some((p) => rankOf(p) !== rankOf(parts[0])))
      throw new InvalidNode("the inputs differ in rank");
    return join(call, parts, axis);
  };

const pack: Converter = (call) => {
  const parts = call.inputs.map((_, i) => call.plain(i));
  if (parts.length === 0) throw new InvalidNode("there is nothing to stack");
  const axis = call.axis(call.attributes.int("axis"), parts[0].shape.length + 1);
  const raised = parts.map((v) => {
    const shape: Dim[] = v.shape.toSpliced(axis, 0, 1);
    return plain(call.reshape(v, shape));
  });
  return join(call, raised, axis);
};

const unpack: Converter = (call) => {
  const x = call.tensor(0);
  const axis = call.axis(call.attributes.int("axis"), rankOf(x));
  const at = heldAxis(x, axis);
  const count = x.value.shape[at];
  if (typeof count !== "number") throw new InvalidNode("the length of the axis is not known");
  if (count > 4096) throw new InvalidNode(`${count} outputs are too many`);
  return identity(count).map((i) => {
    const index = call.integer(i);
    return ordered(call.apply("Gather", { axis: at }, x.value, index), without(x, [axis]));
  });
};

/** Rows by their number, along the axis that input 2 tells. */
const gather: Converter = (call) => {
  if (call.attributes.int("batch_dims") !== 0)
    throw new Unsupported("batch_dims are not supported");
  const x = call.plain(0);
  const [along] = call.inputs.length > 2 ? call.numbers(2) : [0];
  const axis = call.axis(along, x.shape.length);
  return plain(call.apply("Gather", { axis }, x, call.plain(1)));
};

const reverse: Converter = (call) => {
  const x = call.tensor(0);
  const axes =
    call.node.op === "Reverse"
      ? call.numbers(1).flatMap((flag, axis) => (flag === 0 ? [] : [axis]))
      : call.axes(call.numbers(1), rankOf(x));
  if (axes.length === 0) return x;
  const value = call.apply(
    "Slice",
    {},
    x.value,
    call.integers(axes.map(() => -1)),
    call.integers(axes.map(() => -(2 ** 31))),
    call.integers(axes.map((a) => heldAxis(x, a))),
    call.integers(axes.map(() => -1)),
  );
  return ordered(value, x.order);
};

/** begin, size; −1 is all that is left. */
const slice: Converter = (call) => {
  const x = call.tensor(0);
  const shape = shapeOf(x);
  const begin = call.numbers(1);
  const size = call.sizes(2).map((s) => s.dim);
  if (begin.length !== shape.length || size.length !== shape.length)
    throw new InvalidNode("begin and size do not fit the rank of the input");
  const cut = identity(shape.length).filter(
    (a) => begin[a] !== 0 || (size[a] !== -1 && size[a] !== shape[a]),
  );
  if (cut.length === 0) return x;
  const ends = cut.map((a) => {
    const n = size[a];
    if (typeof n === "string") throw new InvalidNode(`size depends on the length ${n}`);
    return n === -1 ? 2 ** 31 - 1 : begin[a] + n;
  });
  const value = call.apply(
    "Slice",
    {},
    x.value,
    call.integers(cut.map((a) => begin[a])),
    call.integers(ends),
    call.integers(cut.map((a) => heldAxis(x, a))),
  );
  return ordered(value, x.order);
};

const tile: Converter = (call) => {
  const x = call.tensor(0);
  const times = call.numbers(1);
  if (times.length !== rankOf(x))
    throw new InvalidNode("multiples do not fit the rank of the input");
  if (times.every((t) => t === 1)) return x;
  return ordered(
    call.apply("Tile", {}, x.value, call.integers(x.order.map((a) => times[a]))),
    x.order,
  );
};

/** Pieces of given lengths. */
function pieces(call: Call, x: Held, along: number, lengths: readonly number[]): readonly Held[] {
  const axis = heldAxis(x, call.axis(along, rankOf(x)));
  if (lengths.length === 1) return [x];
  return call
    .all("Split", { axis }, [x.value, call.integers(lengths)])
    .map((value) => ordered(value, x.order));
}

const lengthOf = (x: Held, axis: number): number => {
  const length = shapeOf(x)[axis];
  if (typeof length !== "number") throw new InvalidNode("the length of the axis is not known");
  return length;
};

const split: Converter = (call) => {
  const x = call.tensor(1);
  const axis = call.axis(call.numbers(0)[0], rankOf(x));
  const count = call.attributes.int("num_split", 1);
  const each = lengthOf(x, axis) / count;
  if (!Number.isInteger(each) || count < 1)
    throw new InvalidNode(`the axis does not divide into ${count} pieces`);
  return pieces(call, x, axis, new Array<number>(count).fill(each));
};

/** One length may be −1: what is left. */
const splitV: Converter = (call) => {
  const x = call.tensor(0);
  const axis = call.axis(call.numbers(2)[0], rankOf(x));
  const lengths = call.numbers(1);
  const rest = lengthOf(x, axis) - lengths.filter((n) => n >= 0).reduce((a, b) => a + b, 0);
  return pieces(
    call,
    x,
    axis,
    lengths.map((n) => (n === -1 ? rest : n)),
  );
};

const wide = (call: Call, index: number) => call.apply("Cast", { to: 7 }, call.plain(index));

export const sliceJoin: Readonly<Record<string, Converter>> = {
  Concat: concat(true),
  ConcatV2: concat(false),
  Gather: gather,
  GatherNd: (call) => plain(call.apply("GatherND", {}, call.plain(0), wide(call, 1))),
  GatherV2: gather,
  Pack: pack,
  Reverse: reverse,
  ReverseV2: reverse,
  Slice: slice,
  Split: split,
  SplitV: splitV,
  StridedSlice: stridedSlice,
  TensorScatterUpdate: (call) =>
    plain(call.apply("ScatterND", {}, call.plain(0), wide(call, 1), call.plain(2))),
  Tile: tile,
  Unpack: unpack,
};
