import { constant, constantOf, type Value } from "../../ir/graph.ts";
import { type Dim, int64, type Shape, type Tensor, tensor } from "../../ir/tensor.ts";
import { type Attrs, InvalidNode, type OnnxForm } from "../../ops/operator.ts";
import type { Contents, Item } from "./contents.ts";

/** A call of an operator: the form that ONNX has, or (`own`) the one that operators here take. */
export interface Resolved extends OnnxForm {
  readonly type: string;
  readonly own?: boolean;
}

type Known = (value: Value | undefined) => Contents | undefined;

/** "Up to the end", as ONNX writes it. */
const END = 2 ** 31 - 1;

/**
 * Puts computed lengths in place: what the file computes from shapes becomes constant, lengths by name
 * (the batch) are written as operators here hold them. What depends on the data is left, and refused
 * by the operator.
 */
export function resolved(
  type: string,
  attrs: Attrs,
  inputs: readonly (Value | undefined)[],
  known: Known,
): Resolved {
  const call = { type, attrs, inputs };
  switch (type) {
    case "Reshape":
      return reshape(call, known(inputs[1]));
    case "Expand":
      return expand(call, known(inputs[1]));
    case "ConstantOfShape":
      return constantOfShape(call, known(inputs[0]));
    case "Slice":
      return slice(call, known);
    case "Tile":
      return tile(call, known(inputs[1]));
    case "Resize":
      return resize(call, known(inputs[3]));
    default:
      return call;
  }
}

/** Lengths that stay are copied (0), one that is by name is inferred (−1). */
function reshape(call: Resolved, target: Contents | undefined): Resolved {
  const [x, shape, ...others] = call.inputs;
  // What the file stores stays as it is: edits change it there.
  if (x === undefined || target === undefined || stored(shape)) return call;
  const items = lengths(target, "Reshape");
  const copies = call.attrs.allowzero !== 1;
  if (!copies && items.includes(0)) return call;
  const dims = items.map((d, i): Dim => (d === x.shape[i] && d !== 0 ? 0 : d));
  const open = dims.flatMap((d, i) => (typeof d === "string" ? [i] : []));
  if (open.length + (dims.includes(-1) ? 1 : 0) > 1)
    throw new InvalidNode(
      `Reshape: [${x.shape.join(", ")}] to [${items.join(", ")}] depends on more than one length that is not known: export the model with fixed lengths`,
    );
  // A single length that changes can be inferred: then it follows when units are pruned.
  const changed = dims.flatMap((d, i) => (d === 0 ? [] : [i]));
  const inferred = open.length === 1 ? open : changed.length === 1 ? changed : [];
  const numbers = dims.map((d, i) => (inferred.includes(i) || typeof d === "string" ? -1 : d));
  if (numbers.includes(-1) && x.shape.includes(0)) return call;
  const { allowzero: _, ...attrs } = call.attrs;
  return { ...call, attrs, inputs: [x, vector(numbers), ...others] };
}

const stored = (value: Value | undefined): boolean =>
  constantOf(value) !== undefined && value?.node.name !== "";

const vector = (numbers: readonly number[]): Value => constant(int64([numbers.length], numbers));

/** Every length of a target, by number or name. */
function lengths({ items }: Contents, type: string): readonly Dim[] {
  return items.map((item) => {
    if (item === undefined)
      throw new InvalidNode(`${type}: its shape depends on the data, not only on shapes`);
    return item;
  });
}

const byName = (items: readonly Item[]): boolean => items.some((item) => typeof item === "string");

function expand(call: Resolved, target: Contents | undefined): Resolved {
  if (target === undefined || !byName(target.items)) return call;
  const shape: Shape = lengths(target, "Expand");
  return { ...call, own: true, attrs: { shape }, inputs: call.inputs.slice(0, 1) };
}

/** By name, the constant is a scalar that is expanded. */
function constantOfShape(call: Resolved, target: Contents | undefined): Resolved {
  if (target === undefined || !byName(target.items)) return call;
  const shape: Shape = lengths(target, "ConstantOfShape");
  const { value } = call.attrs as { value?: Tensor };
  const one: Tensor =
    value === undefined
      ? tensor("float32", [], Float32Array.of(0))
      : { dtype: value.dtype, shape: [], data: value.data };
  return { type: "Expand", own: true, attrs: { shape }, inputs: [constant(one)] };
}

/** An end that is the length of its axis by name is the axis's end; so is the largest of all integers. */
function slice(call: Resolved, known: Known): Resolved {
  const [x, from, ends, axes, ...others] = call.inputs;
  const items = known(ends)?.items;
  const starts = clamped(from, known);
  if (x === undefined || items === undefined) return call;
  if (!byName(items))
    return { ...call, inputs: [x, starts, clamped(ends, known), axes, ...others] };
  const along = axes === undefined ? items.map((_, i) => i) : known(axes)?.items;
  if (along === undefined) return call;
  const numbers = items.map((end, i) => {
    const axis = along[i];
    if (typeof end === "number") return end;
    if (typeof axis === "number" && end === x.shape.at(axis)) return END;
    throw new InvalidNode(`Slice: it ends at ${end ?? "a place that depends on the data"}`);
  });
  return { ...call, inputs: [x, starts, vector(numbers), axes, ...others] };
}

/** Exporters write ±2^63 for the ends; what is exact in a float64 is far enough. */
function clamped(value: Value | undefined, known: Known): Value | undefined {
  const contents = known(value);
  if (constantOf(value) === undefined || contents === undefined) return value;
  const numbers = contents.items.map((item) =>
    Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number(item), Number.MAX_SAFE_INTEGER)),
  );
  return vector(numbers);
}

/** Repeating a single element a number of times that is known by name is expanding it. */
function tile(call: Resolved, repeats: Contents | undefined): Resolved {
  const [x] = call.inputs;
  if (x === undefined || repeats === undefined || !byName(repeats.items)) return call;
  const items = lengths(repeats, "Tile");
  const shape = x.shape.map((n, d): Dim => {
    if (items[d] === 1) return n;
    if (n === 1) return items[d];
    throw new InvalidNode(`Tile: it repeats axis ${d} ${items[d]} times`);
  });
  return { type: "Expand", own: true, attrs: { shape }, inputs: [x] };
}

/** Sizes that are the input's own, by name, belong to axes that stay. */
function resize(call: Resolved, sizes: Contents | undefined): Resolved {
  const [x, roi, scales, , ...others] = call.inputs;
  if (x === undefined || sizes === undefined || call.attrs.axes !== undefined) return call;
  if (call.attrs.coordinate_transformation_mode === "tf_crop_and_resize") return call;
  const axes = sizes.items.flatMap((item, d) => (item === x.shape[d] ? [] : [d]));
  if (!byName(sizes.items) && sizes.items[0] !== x.shape[0]) return call;
  const rest = axes.map((d) => {
    const item = sizes.items[d];
    if (typeof item === "number") return item;
    throw new InvalidNode(`Resize: the size of axis ${d} is not known`);
  });
  if (axes.length === 0) return { type: "Identity", attrs: {}, inputs: [x] };
  return {
    ...call,
    attrs: { ...call.attrs, axes },
    inputs: [x, roi, scales, vector(rest), ...others],
  };
}
