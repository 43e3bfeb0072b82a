import { isConstant } from "../../../ir/graph.ts";
import type { Dim } from "../../../ir/tensor.ts";
import { product, quotient } from "../../../ops/dims.ts";
import { InvalidNode } from "../../../ops/operator.ts";
import type { Call, Converter } from "./call.ts";
import { type Given, rankOf, type SizeEntry, type Sizes, shapeOf } from "./held.ts";

/** What reads a shape: never a tensor of the graph, since lengths are known while reading. */
export const shapeReaders: Readonly<Record<string, Converter>> = {
  Rank: (call) => scalar(rankOf(call.tensor(0))),
  Shape: (call) => lengthsOf(call, 0),
  ShapeN: (call) => call.inputs.map((_, i) => lengthsOf(call, i)),
  Size: (call) => scalar(product(call.shape(0))),
};

/** Arithmetic on lengths, where they are not all numbers in the file. Others get them as a tensor. */
export const sizeOperators: Readonly<Record<string, Converter>> = {
  Cast: whole,
  ConcatV2: (call) => vector(call.inputs.slice(0, -1).flatMap((_, i) => call.sizes(i))),
  ExpandDims: (call) => vector(call.sizes(0)),
  FloorDiv: two((a, b) => quotient([a], [b])),
  Gather: gather,
  GatherV2: gather,
  Identity: whole,
  Maximum: two((a, b) =>
    typeof a === "number" && typeof b === "number" ? Math.max(a, b) : undefined,
  ),
  Minimum: two((a, b) =>
    typeof a === "number" && typeof b === "number" ? Math.min(a, b) : undefined,
  ),
  Mul: two((a, b) => product([a, b])),
  Add: two(sum),
  AddV2: two(sum),
  Pack: pack,
  Prod: (call) => scalar(product(dims(call, 0))),
  Reshape: (call) => ({ ...whole(call), scalar: call.numbers(1).length === 0 }),
  Slice: slice,
  Squeeze: (call) => ({ ...whole(call), scalar: true }),
  StridedSlice: stridedSlice,
  Sub: two((a, b) => (typeof a === "number" && typeof b === "number" ? a - b : undefined)),
};

const scalar = (dim: Dim): Sizes => ({ kind: "sizes", entries: [{ dim }], scalar: true });

const vector = (entries: readonly SizeEntry[]): Sizes => ({
  kind: "sizes",
  entries,
  scalar: false,
});

const dims = (call: Call, index: number): readonly Dim[] => call.sizes(index).map((s) => s.dim);

function lengthsOf(call: Call, index: number): Sizes {
  return vector(shapeOf(call.tensor(index)).map((dim) => ({ dim })));
}

/** Lengths that are stored one by one are put together here, so that an edit finds them again. */
export const areLengths = (call: Call): boolean =>
  call.symbolic ||
  (call.node.op === "Pack" &&
    call.inputs.every(
      (g) => g.kind === "tensor" && g.value.dtype === "int32" && isConstant(g.value),
    ));

function pack(call: Call): Sizes {
  if (!call.inputs.every((_, i) => isScalar(call, i)))
    throw new InvalidNode("these are not lengths");
  return vector(call.inputs.flatMap((_, i) => call.sizes(i)));
}

function whole(call: Call): Sizes {
  if (call.node.op === "Cast" && call.attributes.dtype("DstT") !== "int32")
    throw new InvalidNode("lengths are whole numbers");
  const given: Given = call.inputs[0];
  const flat = given.kind === "sizes" ? given.scalar : given.value.shape.length === 0;
  return { kind: "sizes", entries: call.sizes(0), scalar: flat };
}

function sum(a: Dim, b: Dim): Dim | undefined {
  if (typeof a === "number" && typeof b === "number") return a + b;
  return a === 0 ? b : b === 0 ? a : undefined;
}

/** Element by element; one operand may be a scalar. */
function two(of: (a: Dim, b: Dim) => Dim | undefined): Converter {
  return (call) => {
    const [a, b] = [dims(call, 0), dims(call, 1)];
    const count = Math.max(a.length, b.length);
    if ((a.length !== count && a.length !== 1) || (b.length !== count && b.length !== 1))
      throw new InvalidNode("the lengths do not broadcast");
    const entries = Array.from({ length: count }, (_, i) => {
      const [x, y] = [a[a.length === 1 ? 0 : i], b[b.length === 1 ? 0 : i]];
      const dim = of(x, y);
      if (dim === undefined) throw new InvalidNode(`${call.node.op} of ${x} and ${y} is not known`);
      return { dim };
    });
    return { kind: "sizes", entries, scalar: isScalar(call, 0) && isScalar(call, 1) };
  };
}

const isScalar = (call: Call, index: number): boolean => {
  const given = call.inputs[index];
  return given.kind === "sizes" ? given.scalar : given.value.shape.length === 0;
};

function gather(call: Call): Sizes {
  const from = call.sizes(0);
  const entries = call.numbers(1).map((i) => from[i < 0 ? i + from.length : i]);
  if (entries.includes(undefined as never)) throw new InvalidNode("an index is outside the shape");
  return { kind: "sizes", entries, scalar: isScalar(call, 1) };
}

function slice(call: Call): Sizes {
  const [begin] = call.numbers(1);
  const [size] = call.numbers(2);
  return vector(call.sizes(0).slice(begin, size === -1 ? undefined : begin + size));
}

/** Of a vector: one entry of begin, end and strides. */
function stridedSlice(call: Call): Sizes {
  const from = call.sizes(0);
  const [[begin], [end], [step]] = [call.numbers(1), call.numbers(2), call.numbers(3)];
  const mask = (name: string) => (call.attributes.int(name) & 1) === 1;
  if (mask("shrink_axis_mask")) {
    const entry = from[begin < 0 ? begin + from.length : begin];
    if (entry === undefined)
      throw new InvalidNode(`${begin} is outside a shape of ${from.length} axes`);
    return { kind: "sizes", entries: [entry], scalar: true };
  }
  if (step !== 1 || mask("new_axis_mask"))
    throw new InvalidNode("this slice of a shape is not supported");
  const start = mask("begin_mask") || mask("ellipsis_mask") ? 0 : begin;
  const stop = mask("end_mask") || mask("ellipsis_mask") ? undefined : end;
  return vector(from.slice(start, stop));
}
