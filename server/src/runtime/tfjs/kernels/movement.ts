import * as tf from "@tensorflow/tfjs-core";
import type { Node } from "#core/ir/graph.ts";
import { size, type Tensor } from "#core/ir/tensor.ts";
import { elementOffset } from "#core/ops/gatherElements.ts";
import { range } from "../held.ts";
import { attrs, type Kernel, type Kernels, outputShape, plain, shapeOf } from "../kernel.ts";
import { repeated, transposed } from "./axes.ts";

/** Only another shape: the numbers stay where they are. */
const reshapes: Kernel = {
  needs: ["Reshape"],
  dtypes: ["float32", "bool"],
  indices: [1],
  run: ({ inputs: [x], outputs: [y] }) => plain(tf.reshape(x!.plain(), [...y!.shape])),
};

const transpose: Kernel = {
  needs: ["Transpose"],
  dtypes: ["float32", "bool"],
  run({ node, inputs: [x] }) {
    const { perm } = attrs<{ readonly perm?: readonly number[] }>(node);
    return plain(transposed(x!.plain(), perm ?? range(0, x!.shape.length).reverse()));
  },
};

const concat: Kernel = {
  needs: ["Concat"],
  dtypes: ["float32", "bool"],
  run({ node, inputs, outputs: [y] }) {
    const { axis = 0 } = attrs<{ readonly axis?: number }>(node);
    const all = inputs.flatMap((v) => (v === undefined ? [] : [v.plain()]));
    return plain(tf.concat(all, axis < 0 ? axis + y!.shape.length : axis));
  },
};

/** Repetition: to the shape of the result, axis by axis. */
const expand: Kernel = {
  needs: ["Tile", "Multiply"],
  dtypes: ["float32", "bool"],
  indices: [1],
  run({ inputs: [x], outputs: [y] }) {
    const shape = y!.shape;
    const aligned = [...new Array<number>(shape.length - x!.shape.length).fill(1), ...x!.shape];
    return plain(repeated(x!.plain(), aligned, shape));
  },
};

const tile: Kernel = {
  needs: ["Tile"],
  dtypes: ["float32", "bool"],
  run: ({ inputs: [x], outputs: [y] }) =>
    plain(
      tf.tile(
        x!.plain(),
        y!.shape.map((n, d) => n / x!.shape[d]!),
      ),
    ),
};

type SliceAttrs = {
  readonly starts: readonly number[];
  readonly axes?: readonly number[];
  readonly steps?: readonly number[];
};

const slice: Kernel = {
  needs: ["Slice", "Reverse", "StridedSlice"],
  dtypes: ["float32", "bool"],
  fits: (node) => node.inputs.length === 1,
  run({ node, inputs: [x], outputs: [y] }) {
    const { starts, axes = range(0, starts.length), steps } = attrs<SliceAttrs>(node);
    const from = x!.shape;
    const begin = from.map(() => 0);
    const step = from.map(() => 1);
    axes.forEach((axis, i) => {
      const d = axis < 0 ? axis + from.length : axis;
      const own = steps?.[i] ?? 1;
      const start = starts[i]! < 0 ? starts[i]! + from[d]! : starts[i]!;
      // Beyond either end the operator clamps; backwards it begins at the last element.
      const first = Math.min(Math.max(start, 0), own > 0 ? from[d]! : from[d]! - 1);
      begin[d] = own > 0 ? first : from[d]! - 1 - first;
      step[d] = own;
    });
    const back = step.flatMap((s, d) => (s < 0 ? [d] : []));
    const forward = back.length === 0 ? x!.plain() : tf.reverse(x!.plain(), back);
    const lengths = y!.shape;
    if (step.every((s) => Math.abs(s) === 1)) return plain(tf.slice(forward, begin, [...lengths]));
    const apart = step.map(Math.abs);
    const end = begin.map((b, d) => b + (lengths[d]! - 1) * apart[d]! + 1);
    return plain(tf.stridedSlice(forward, begin, end, apart));
  },
};

type PadAttrs = {
  readonly pads: readonly number[];
  readonly axes?: readonly number[];
  readonly value?: number;
  readonly mode?: string;
};

/** Cutting off first, then adding. */
const pad: Kernel = {
  needs: ["PadV2", "Slice"],
  fits: (node) =>
    node.inputs.length === 1 && (attrs<PadAttrs>(node).mode ?? "constant") === "constant",
  run({ node, inputs: [x] }) {
    const { pads, axes, value = 0 } = attrs<PadAttrs>(node);
    const shape = x!.shape;
    const named = axes ?? range(0, shape.length);
    const margins = shape.map((): [number, number] => [0, 0]);
    named.forEach((axis, i) => {
      margins[axis < 0 ? axis + shape.length : axis] = [pads[i]!, pads[i + named.length]!];
    });
    const cut = margins.map(([a, b]): [number, number] => [Math.max(0, -a), Math.max(0, -b)]);
    const kept = tf.slice(
      x!.plain(),
      cut.map(([a]) => a),
      shape.map((n, d) => n - cut[d]![0] - cut[d]![1]),
    );
    return plain(
      padded(
        kept,
        margins.map(([a, b]) => [Math.max(0, a), Math.max(0, b)]),
        value,
      ),
    );
  },
};

/** Axes that get nothing are merged with their neighbours: backends take few axes. */
function padded(x: tf.Tensor, margins: readonly [number, number][], value: number): tf.Tensor {
  const lengths: number[] = [];
  const own: [number, number][] = [];
  x.shape.forEach((n, d) => {
    const [before, after] = margins[d]!;
    const previous = own.at(-1);
    if (before === 0 && after === 0 && previous?.every((m) => m === 0))
      lengths[lengths.length - 1]! *= n;
    else {
      lengths.push(n);
      own.push([before, after]);
    }
  });
  const shape = x.shape.map((n, d) => n + margins[d]![0] + margins[d]![1]);
  return tf.reshape(tf.pad(tf.reshape(x, lengths), own, value), shape);
}

const gather: Kernel = {
  needs: ["GatherV2"],
  indices: [1],
  dtypes: ["float32", "bool"],
  run({ node, inputs: [x, indices], outputs: [y] }) {
    const { axis = 0 } = attrs<{ readonly axis?: number }>(node);
    const at = axis < 0 ? axis + x!.shape.length : axis;
    const n = x!.shape[at]!;
    const places = Int32Array.from(indices!.host().data, (i) => (i < 0 ? i + n : i));
    const wrong = places.find((i) => i < 0 || i >= n);
    if (wrong !== undefined)
      throw new Error(`Gather: index ${wrong} of axis ${at} is out of range`);
    const rows = [size(x!.shape.slice(0, at)), n, size(x!.shape.slice(at + 1))];
    const found = tf.gather(tf.reshape(x!.plain(), rows), tf.tensor1d(places, "int32"), 1);
    return plain(tf.reshape(found, [...y!.shape]));
  },
};

const split: Kernel = {
  needs: ["SplitV"],
  dtypes: ["float32", "bool"],
  fits: (node) => node.inputs.length === 1,
  run({ node, inputs: [x], outputs }) {
    const { axis = 0 } = attrs<{ readonly axis?: number }>(node);
    const at = axis < 0 ? axis + x!.shape.length : axis;
    const lengths = outputs.map((y) => y.shape[at]!);
    return tf.split(x!.plain(), lengths, at).map((tensor) => ({ layout: "plain", tensor }));
  },
};

/** Nearest neighbour by whole factors repeats elements; every other mode is for the reference. */
const resize: Kernel = {
  needs: ["Tile"],
  dtypes: ["float32"],
  fits(node) {
    const {
      scales,
      mode = "nearest",
      ...others
    } = attrs<{
      readonly scales?: readonly number[];
      readonly mode?: string;
    }>(node);
    const whole = outputShape(node).every(
      (n, d) => n === shapeOf(node, 0)[d]! * (scales?.[d] ?? 0),
    );
    return node.inputs.length === 1 && mode === "nearest" && whole && isPlain(others);
  },
  run({ inputs: [x], outputs: [y] }) {
    const pairs = x!.shape.flatMap((n) => [n, 1]);
    const wide = x!.shape.flatMap((n, d) => [n, y!.shape[d]! / n]);
    return plain(tf.reshape(repeated(x!.plain(), pairs, wide), [...y!.shape]));
  },
};

/** Element i of the result is element floor(i / factor) in both of these conventions. */
function isPlain(others: Readonly<Record<string, unknown>>): boolean {
  const { coordinate_transformation_mode: place = "asymmetric", nearest_mode: rounding = "floor" } =
    others;
  const rest = Object.entries(others).filter(
    ([key, v]) => v !== undefined && !/^(coordinate_transformation_mode|nearest_mode)$/.test(key),
  );
  return (
    rest.length === 0 &&
    ((place === "asymmetric" && rounding === "floor") ||
      (String(place).endsWith("half_pixel") && String(rounding).startsWith("round")))
  );
}

/** A block of channels as rows and columns, or back: transposes of a finer shape. */
const blocks = (toSpace: boolean): Kernel => ({
  needs: ["Transpose"],
  run({ node, inputs: [x], outputs: [y] }) {
    const { blocksize: b, mode } = attrs<{ readonly blocksize: number; readonly mode?: string }>(
      node,
    );
    const [n, c, h, w] = (toSpace ? y : x)!.shape as [number, number, number, number];
    const [rows, columns] = [h / b, w / b];
    if (!toSpace) {
      const fine = tf.reshape(x!.plain(), [n * c, rows, b, columns * b]);
      const split = tf.reshape(transposed(fine, [0, 2, 1, 3]), [n, c, b, rows * columns, b]);
      return plain(tf.reshape(transposed(split, [0, 2, 4, 1, 3]), [...y!.shape]));
    }
    const apart = tf.reshape(
      x!.plain(),
      mode === "CRD" ? [n, c, b, b, rows * columns] : [n, b, b, c, rows * columns],
    );
    // → [n, c, b (row), rows·columns, b (column)]
    const together = transposed(apart, mode === "CRD" ? [0, 1, 2, 4, 3] : [0, 3, 1, 4, 2]);
    const lines = tf.reshape(together, [n * c, b, rows, columns * b]);
    return plain(tf.reshape(transposed(lines, [0, 2, 1, 3]), [...y!.shape]));
  },
});

/** Along one axis, as a gather from or a scatter to the flattened tensor. */
const gatherElements: Kernel = {
  needs: ["GatherV2"],
  indices: [1],
  run({ node, inputs: [x, indices], outputs: [y] }) {
    const places = tf.tensor1d(offsets(node, x!.shape, indices!.host()), "int32");
    const flat = tf.reshape(x!.plain(), [size(x!.shape)]);
    return plain(tf.reshape(tf.gather(flat, places), [...y!.shape]));
  },
};

const scatterElements: Kernel = {
  needs: ["ScatterNd", "Add"],
  indices: [1],
  fits: (node) => attrs<{ readonly reduction?: string }>(node).reduction === "add",
  run({ node, inputs: [x, indices, updates] }) {
    const places = offsets(node, x!.shape, indices!.host());
    const total = size(x!.shape);
    const sums = tf.scatterND(
      tf.tensor2d(places, [places.length, 1], "int32"),
      tf.reshape(updates!.plain(), [places.length]),
      [total],
    );
    return plain(tf.add(x!.plain(), tf.reshape(sums, [...x!.shape])));
  },
};

/** The places that indices along an axis name, in the flattened tensor. */
function offsets(node: Node, shape: readonly number[], indices: Tensor): Int32Array {
  const { axis = 0 } = attrs<{ readonly axis?: number }>(node);
  const offset = elementOffset(shape, indices, axis < 0 ? axis + shape.length : axis);
  return Int32Array.from({ length: indices.data.length }, (_, i) => offset(i));
}

export const movementKernels: Kernels = {
  Reshape: reshapes,
  Flatten: reshapes,
  Squeeze: reshapes,
  Unsqueeze: reshapes,
  Transpose: transpose,
  Concat: concat,
  Expand: expand,
  Tile: tile,
  Slice: slice,
  Pad: pad,
  Gather: gather,
  Split: split,
  Resize: resize,
  SpaceToDepth: blocks(false),
  DepthToSpace: blocks(true),
  GatherElements: gatherElements,
  ScatterElements: scatterElements,
};
