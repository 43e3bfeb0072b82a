import * as tf from "@tensorflow/tfjs-core";
import type { Windows } from "#core/ops/pads.ts";
import { range } from "../held.ts";

/** How a window moves over rows and columns. */
export interface Steps {
  readonly strides: [number, number];
  readonly dilations: [number, number];
}

/**
 * A tensor with one or two spatial axes as one with two: [N, L, C] → [N, 1, L, C].
 * @param trailing how many axes follow the spatial ones; kernels have no axis before them
 */
export function planar(x: tf.Tensor, trailing = 1): tf.Tensor4D {
  const [a, b, c, d] = x.rank === 4 ? x.shape : x.shape.toSpliced(x.rank - 1 - trailing, 0, 1);
  return tf.reshape(x, [a!, b!, c!, d!]);
}

/** The inverse, for a result of this rank. */
export const unplanar = (y: tf.Tensor4D, rank: number): tf.Tensor =>
  rank === 4 ? y : tf.squeeze(y, [1]);

/** Padding of a channels-last tensor. */
export const margins = ({ before, after }: Windows): [number, number][] => [
  [0, 0],
  ...before.map((n, d): [number, number] => [n, after[d]!]),
  [0, 0],
];

/** A convolution without padding, in as many pieces as it has groups. */
export function convolve(
  x: tf.Tensor4D,
  filter: tf.Tensor4D,
  { strides, dilations }: Steps,
  group: number,
): tf.Tensor4D {
  if (group === 1) return tf.conv2d(x, filter, strides, "valid", "NHWC", dilations);
  const [rows, columns, each, maps] = filter.shape;
  const depthwise = each === group && x.shape[3] === group;
  // The native backend's depthwise kernel has neither dilations nor strides that differ.
  if (depthwise && strides[0] === strides[1])
    return tf.depthwiseConv2d(x, spacedFilter(filter, dilations), strides, "valid");
  const inputs = tf.split<tf.Tensor4D>(x, group, 3);
  const filters = tf.split<tf.Tensor4D>(
    depthwise ? tf.reshape(filter, [rows, columns, 1, each * maps]) : filter,
    group,
    3,
  );
  const pieces = inputs.map((piece, g) =>
    tf.conv2d<tf.Tensor4D>(piece, filters[g]!, strides, "valid", "NHWC", dilations),
  );
  return tf.concat(pieces, 3);
}

/** A kernel with zeros between its taps. */
function spacedFilter(filter: tf.Tensor4D, dilations: readonly [number, number]): tf.Tensor4D {
  if (dilations.every((d) => d === 1)) return filter;
  const [rows, columns, channels, maps] = filter.shape;
  const taps = tf.reshape(filter, [1, rows, columns, channels * maps]);
  const [height, width] = [(rows - 1) * dilations[0] + 1, (columns - 1) * dilations[1] + 1];
  const spaced = tf.slice(dilated(taps, dilations), 0, [1, height, width, channels * maps]);
  return tf.reshape(spaced, [height, width, channels, maps]);
}

/** Zeros between the elements of the spatial axes, and after them, of a channels-last tensor. */
export function dilated(x: tf.Tensor, strides: readonly number[]): tf.Tensor {
  return strides.reduce((y, step, d) => {
    if (step === 1) return y;
    const axis = d + 1;
    const one = tf.expandDims(y, axis + 1);
    const padding = range(0, one.rank).map((a): [number, number] => [
      0,
      a === axis + 1 ? step - 1 : 0,
    ]);
    const shape = y.shape.map((n, a) => (a === axis ? n * step : n));
    return tf.reshape(padOne(one, padding), shape);
  }, tf.clone(x));
}

/** Padding of one axis as a concatenation: it works in every rank. */
function padOne(x: tf.Tensor, padding: readonly [number, number][]): tf.Tensor {
  const axis = padding.findIndex(([, after]) => after > 0);
  const zeros = tf.zeros(x.shape.map((n, d) => (d === axis ? padding[d]![1] : n)));
  return tf.concat([x, zeros], axis);
}

/** The maximum or average over windows, the average over what is inside the input. */
export function pooled(
  type: "max" | "average",
  x: tf.Tensor,
  window: Windows,
  steps: Steps,
  countsPadding: boolean,
): tf.Tensor4D {
  const { kernel, strides, before, after, input, output } = window;
  // The last window may begin inside and end beyond the padding (ceil_mode), or leave a rest.
  const beyond = output.map((n, d) =>
    Math.max(0, (n - 1) * strides[d]! + kernel[d]! - (input[d]! + before[d]! + after[d]!)),
  );
  const size = (kernel.length === 1 ? [1, kernel[0]!] : [kernel[0]!, kernel[1]!]) as [
    number,
    number,
  ];
  const fill = type === "max" ? Number.NEGATIVE_INFINITY : 0;
  const spatial = (front: readonly number[], back: readonly number[]): [number, number][] => [
    [0, 0],
    ...front.map((n, d): [number, number] => [n, back[d]!]),
    [0, 0],
  ];
  const end = after.map((n, d) => n + beyond[d]!);
  const padded = planar(tf.pad(x, spatial(before, end), fill));
  if (type === "max") return tf.maxPool(padded, size, steps.strides, "valid");
  const average = tf.avgPool(padded, size, steps.strides, "valid");
  const whole = [...(countsPadding ? [] : [...before, ...after]), ...beyond].every((n) => n === 0);
  if (whole) return average;
  // The same average of ones says which share of each window counts.
  const none = before.map(() => 0);
  const ones = tf.ones([1, ...input, 1]);
  const inside = countsPadding
    ? tf.pad(tf.pad(ones, spatial(before, after), 1), spatial(none, beyond))
    : tf.pad(ones, spatial(before, end));
  return tf.div(average, tf.avgPool(planar(inside), size, steps.strides, "valid"));
}
