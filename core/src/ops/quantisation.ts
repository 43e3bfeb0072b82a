import type { Value } from "../ir/graph.ts";
import { type Dim, type DType, known, type Shape, size } from "../ir/tensor.ts";
import { cutting } from "./channels.ts";
import { axisOf, check, int } from "./check.ts";
import { type ChannelRule, type Cut, carry, refuse } from "./operator.ts";
import { reshapeTo } from "./reshape.ts";

export type QuantisationAttrs = {
  /** Along which scale and zero point vary, unless they are scalars. */
  readonly axis?: number;
  /** How many elements along the axis share a scale; 0: one scale for each index. */
  readonly block_size?: number;
};

/** The range of the integers that ONNX quantises to. */
export const RANGES: Partial<Record<DType, readonly [number, number]>> = {
  int8: [-128, 127],
  uint8: [0, 255],
  int16: [-32768, 32767],
  uint16: [0, 65535],
};

/** The axis along which a scale varies; undefined: one scale for the whole tensor. */
export function scaleAxis(
  shape: Shape,
  scale: Shape,
  attrs: QuantisationAttrs,
  type: string,
): number | undefined {
  if (scale.length === 0 || (scale.length === 1 && scale[0] === 1)) return undefined;
  return axisOf(attrs.axis ?? 1, shape.length, `${type}: axis`);
}

/** Checks scale and zero point against the tensor. */
export function checkScale(
  x: Value,
  scale: Value,
  zero: Value | undefined,
  attrs: QuantisationAttrs,
  type: string,
): void {
  check(
    zero === undefined ||
      zero.shape.join() === scale.shape.join() ||
      // ONNX Runtime's quantiser writes a scale [1] beside a zero point [].
      [zero, scale].every((v) => v.shape.every((d) => d === 1) && v.shape.length < 2),
    `${type}: scale and zero point differ in shape`,
  );
  const axis = scaleAxis(x.shape, scale.shape, attrs, type);
  if (axis === undefined) return;
  const block = int(attrs.block_size, 0, `${type}: block_size`);
  check(block >= 0, `${type}: block_size is negative`);
  const fits = (d: Dim, i: number): boolean => {
    if (i !== axis) return d === scale.shape[i];
    return typeof d === "number" && scale.shape[i] === Math.ceil(d / block);
  };
  const right =
    block === 0
      ? scale.shape.length === 1 && scale.shape[0] === x.shape[axis]
      : scale.shape.length === x.shape.length && x.shape.every(fits);
  check(right, `${type}: the scale does not fit the tensor along axis ${axis}`);
}

/** For each element the offset of its scale. */
export function scaleOffset(
  shape: readonly number[],
  scale: readonly number[],
  attrs: QuantisationAttrs,
  type: string,
): (element: number) => number {
  const axis = scaleAxis(shape, scale, attrs, type);
  if (axis === undefined) return () => 0;
  const inner = size(shape.slice(axis + 1));
  const n = shape[axis];
  const block = attrs.block_size ?? 0;
  if (block === 0) return (i) => Math.floor(i / inner) % n;
  return (i) => {
    const outer = Math.floor(i / (n * inner));
    const place = Math.floor((Math.floor(i / inner) % n) / block);
    return (outer * scale[axis] + place) * inner + (i % inner);
  };
}

/** A scale or zero point in a shape that broadcasts to the tensor's. Blocks are not broadcast. */
export function alongTensor(v: Value, shape: Shape, attrs: QuantisationAttrs, type: string): Value {
  const axis = scaleAxis(shape, v.shape, attrs, type);
  if (axis === undefined) return reshapeTo(v, []);
  check((attrs.block_size ?? 0) === 0, `${type}: the derivative by blocks is not supported`);
  const n = known(v.shape)[0];
  return reshapeTo(
    v,
    shape.slice(axis).map((_, i) => (i === 0 ? n : 1)),
  );
}

/** The units' scales go with them. */
export function quantisationRule(
  node: { readonly inputs: readonly (Value | undefined)[]; readonly attrs: QuantisationAttrs },
  input: number,
  axis: number,
  type: string,
): ChannelRule {
  const [x, scale] = node.inputs as readonly [Value, Value];
  if (input !== 0) return refuse(`it is a scale of ${type}`);
  const along = scaleAxis(x.shape, scale.shape, node.attrs, type);
  if (along !== undefined && (node.attrs.block_size ?? 0) > 0)
    return along === axis
      ? refuse(`${type} shares scales among units`)
      : cutting(node, cuts(axis), (present) => carry(axis, present));
  if (along !== axis) return carry(axis);
  return cutting(node, cuts(0), (present) => carry(axis, present));
}

const cuts = (axis: number): readonly Cut[] => [
  { input: 1, axis },
  { input: 2, axis },
];

/** Half to even, as IEEE 754 and ONNX round. */
export function roundHalfEven(x: number): number {
  const low = Math.floor(x);
  const rest = x - low;
  if (rest !== 0.5) return Math.round(x);
  return low % 2 === 0 ? low : low + 1;
}
