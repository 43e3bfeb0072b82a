import * as tf from "@tensorflow/tfjs-core";
import type { ConvTransposeAttrs } from "#core/ops/convTranspose.ts";
import { transposedWindows, type WindowAttrs, type Windows, windows } from "#core/ops/pads.ts";
import { type Held, range } from "../held.ts";
import {
  attrs,
  type Call,
  type Kernel,
  type Kernels,
  last,
  outputShape,
  shapeOf,
} from "../kernel.ts";
import { convolve, dilated, margins, planar, pooled, unplanar } from "./planes.ts";

type ConvAttrs = WindowAttrs & { readonly group?: number };
type PoolAttrs = WindowAttrs & { readonly count_include_pad?: number };

/** One and two spatial axes; strides and dilations together are for the reference. */
const conv: Kernel = {
  needs: ["Conv2D", "DepthwiseConv2dNative", "PadV2", "Transpose"],
  fits(node) {
    const { strides, dilations } = convWindows(
      node.attrs as ConvAttrs,
      shapeOf(node, 0),
      shapeOf(node, 1),
    );
    return (
      flat(shapeOf(node, 0)) && (strides.every((s) => s === 1) || dilations.every((d) => d === 1))
    );
  },
  run({ node, inputs: [x, w, b] }) {
    const { group = 1 } = attrs<ConvAttrs>(node);
    const window = convWindows(attrs(node), x!.shape, w!.shape);
    const padded = tf.pad(x!.last(), margins(window));
    const y = convolve(planar(padded), filters(w!, group), planarWindows(window), group);
    return last(biased(unplanar(y, x!.shape.length), b));
  },
};

/**
 * As what it is, the transpose of a convolution, where TensorFlow.js has it; else as a convolution with
 * the rotated kernel over the input with zeros between its elements.
 */
const convTranspose: Kernel = {
  needs: ["Conv2D", "Conv2DBackpropInput", "DepthwiseConv2dNative", "PadV2", "Reverse"],
  fits: (node) => flat(shapeOf(node, 0)),
  run({ node, inputs: [x, w, b], outputs: [y] }) {
    const { group = 1 } = attrs<ConvTransposeAttrs>(node);
    const spatial = x!.shape.slice(2);
    const window = transposedWindows(attrs(node), spatial, w!.shape.slice(2));
    const direct = group === 1 && window.dilations.every((d) => d === 1);
    const result = direct ? transposed(x!, w!, window) : spacedOut(x!, w!, window, group);
    return last(biased(unplanar(result, y!.shape.length), b));
  },
};

function transposed(x: Held, w: Held, window: Windows): tf.Tensor4D {
  const { strides, before, after, input, kernel } = window;
  // The full result, with what the pads will cut off; what no position reaches stays zero.
  const full = input.map((n, d) => n + before[d]! + after[d]!);
  const reached = x.shape.slice(2).map((n, d) => (n - 1) * strides[d]! + kernel[d]!);
  const filter = w.derived("transposed", () =>
    planar(tf.transpose(w.plain(), [...range(2, w.shape.length), 1, 0]), 2),
  ) as tf.Tensor4D;
  const image = planar(x.last());
  const [height, width] = twoOf(
    full.map((n, d) => Math.max(n, reached[d]!)),
    1,
  );
  const shape: [number, number, number, number] = [x.shape[0]!, 1, 1, w.shape[1]!];
  const [rows, columns] = twoOf(reached, 1);
  shape[1] = rows;
  shape[2] = columns;
  const grown = tf.pad(tf.conv2dTranspose(image, filter, shape, twoOf(strides, 1), "valid"), [
    [0, 0],
    [0, height - rows],
    [0, width - columns],
    [0, 0],
  ]);
  const [top, left] = twoOf(before, 0);
  const [h, v] = twoOf(input, 1);
  return tf.slice(grown, [0, top, left, 0], [shape[0], h, v, shape[3]]) as tf.Tensor4D;
}

function spacedOut(x: Held, w: Held, window: Windows, group: number): tf.Tensor4D {
  const { strides, before, input, kernel, dilations } = window;
  const spaced = planar(dilated(x.last(), strides));
  const reach = kernel.map((k, d) => (k - 1) * dilations[d]!);
  const length = x.shape.slice(2).map((n, d) => n * strides[d]!);
  const front = reach.map((r, d) => r - before[d]!);
  const back = input.map((n, d) => n + reach[d]! - length[d]! - front[d]!);
  const filter = w.derived(`rotated ${group}`, () => rotated(w, group)) as tf.Tensor4D;
  const image = shifted(spaced, twoOf(front, 0), twoOf(back, 0));
  return convolve(image, filter, { strides: [1, 1], dilations: twoOf(dilations, 1) }, group);
}

/** Zeros added, or elements cut off where negative, before and after rows and columns. */
function shifted(x: tf.Tensor4D, front: [number, number], back: [number, number]): tf.Tensor4D {
  const [n, h, w, c] = x.shape;
  const add = (v: number) => Math.max(0, v);
  const wide = tf.pad(x, [
    [0, 0],
    [add(front[0]), add(back[0])],
    [add(front[1]), add(back[1])],
    [0, 0],
  ]);
  return tf.slice(
    wide,
    [0, add(-front[0]), add(-front[1]), 0],
    [n, h + front[0] + back[0], w + front[1] + back[1], c],
  ) as tf.Tensor4D;
}

/** [C, M/group, k…] → the kernel of the convolution that does the same. */
function rotated(w: Held, group: number): tf.Tensor {
  const [channels, each, ...kernel] = w.shape as [number, number, ...number[]];
  const turned = tf.reverse(w.plain(), range(2, w.shape.length));
  const inGroup = channels / group;
  const split = tf.reshape(turned, [group, inGroup, each, ...kernel]);
  const swapped = tf.transpose(split, [0, 2, 1, ...range(3, 3 + kernel.length)]);
  return packed(tf.reshape(swapped, [group * each, inGroup, ...kernel]), group);
}

/** ONNX's [M, C/group, k…] as TensorFlow.js takes it, with two spatial axes. */
const filters = (w: Held, group: number): tf.Tensor4D =>
  w.derived(`filter ${group}`, () => packed(w.plain(), group)) as tf.Tensor4D;

function packed(w: tf.Tensor, group: number): tf.Tensor {
  const [maps, each] = w.shape as [number, number];
  const spatial = range(2, w.rank);
  // Depthwise: [k…, C, M/C], map m of channel c being number c·(M/C) + m.
  if (each === 1 && group > 1) {
    const taps = tf.transpose(w, [...spatial, 0, 1]);
    return planar(tf.reshape(taps, [...w.shape.slice(2), group, maps / group]), 2);
  }
  return planar(tf.transpose(w, [...spatial, 1, 0]), 2);
}

const pool = (type: "max" | "average"): Kernel => ({
  needs: type === "max" ? ["MaxPool", "PadV2"] : ["AvgPool", "PadV2", "RealDiv"],
  fits: (node, used) => {
    const { kernel, dilations } = poolWindows(node.attrs as PoolAttrs, shapeOf(node, 0));
    const dense = dilations.every((d, i) => d === 1 || kernel[i] === 1);
    return (
      used[1] !== true && flat(shapeOf(node, 0)) && dense && outputShape(node).every((n) => n > 0)
    );
  },
  run({ node, inputs: [x] }: Call) {
    const own = attrs<PoolAttrs>(node);
    const window = poolWindows(own, x!.shape);
    return last(
      unplanar(
        pooled(type, x!.last(), window, planarWindows(window), own.count_include_pad === 1),
        x!.shape.length,
      ),
    );
  },
});

export const windowKernels: Kernels = {
  Conv: conv,
  ConvTranspose: convTranspose,
  MaxPool: pool("max"),
  AveragePool: pool("average"),
  GlobalAveragePool: global("Mean", (x, axes) => tf.mean(x, axes, true)),
  GlobalMaxPool: global("Max", (x, axes) => tf.max(x, axes, true)),
};

function global(kernel: string, reduce: (x: tf.Tensor, axes: number[]) => tf.Tensor): Kernel {
  return {
    needs: [kernel],
    run({ inputs: [x] }) {
      const rank = x!.shape.length;
      return x!.onlyLast
        ? last(reduce(x!.last(), range(1, rank - 1)))
        : [{ layout: "plain", tensor: reduce(x!.plain(), range(2, rank)) }];
    },
  };
}

const convWindows = (own: ConvAttrs, x: readonly number[], w: readonly number[]): Windows =>
  windows(own, x.slice(2), w.slice(2), "Conv");

const poolWindows = (own: PoolAttrs, x: readonly number[]): Windows =>
  windows(own, x.slice(2), own.kernel_shape, "pool");

/** One or two spatial axes. */
const flat = (shape: readonly number[]): boolean => shape.length === 3 || shape.length === 4;

const planarWindows = ({ strides, dilations }: Windows) => ({
  strides: twoOf(strides, 1),
  dilations: twoOf(dilations, 1),
});

/** Rows and columns; there is one row where there is one spatial axis. */
const twoOf = (values: readonly number[], absent: number): [number, number] =>
  values.length === 1 ? [absent, values[0]!] : [values[0]!, values[1]!];

const biased = (y: tf.Tensor, b: Held | undefined): tf.Tensor =>
  b === undefined ? y : tf.add(y, b.plain());
