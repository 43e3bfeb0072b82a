import * as tf from "@tensorflow/tfjs-core";
import { axesOf } from "#core/ops/check.ts";
import { attrs, type Kernel, type Kernels, plain } from "../kernel.ts";

type Attributes = {
  readonly axes?: readonly number[];
  readonly axis?: number;
  readonly keepdims?: number;
  readonly noop_with_empty_axes?: number;
  readonly select_last_index?: number;
  readonly exclusive?: number;
  readonly reverse?: number;
};
type Reduce = (x: tf.Tensor, axes: number[]) => tf.Tensor;

/** The shape of the result is the operator's; only the axes are TensorFlow.js's. */
const reduction = (needs: readonly string[], reduce: Reduce): Kernel => ({
  needs,
  // Axes that are not attributes are known only when the graph runs.
  fits: ({ inputs }) => inputs.length === 1,
  run({ node, inputs: [x], outputs: [y] }) {
    const { axes, noop_with_empty_axes: keepsAll } = attrs<Attributes>(node);
    const none = axes === undefined || axes.length === 0;
    const along =
      none && keepsAll === 1 ? [] : axesOf(none ? undefined : axes, x!.shape.length, "");
    const reduced = along.length === 0 ? x!.plain() : reduce(x!.plain(), [...along]);
    return plain(tf.reshape(reduced, [...y!.shape]));
  },
});

const along = (
  f: (x: tf.Tensor, axis: number) => tf.Tensor,
  needs: readonly string[],
  absent: number,
): Kernel => ({
  needs,
  run({ node, inputs: [x] }) {
    const rank = x!.shape.length;
    const { axis = absent } = attrs<Attributes>(node);
    const at = axis < 0 ? axis + rank : axis;
    if (at === rank - 1) return plain(f(x!.plain(), at));
    // TensorFlow.js's softmax works along the last axis.
    const order = x!.shape.map((_, d) => (d === at ? rank - 1 : d === rank - 1 ? at : d));
    return plain(tf.transpose(f(tf.transpose(x!.plain(), order), rank - 1), order));
  },
});

const argument = (kernel: string, f: (x: tf.Tensor, axis: number) => tf.Tensor): Kernel => ({
  needs: [kernel],
  givesIndices: true,
  fits: (node) => attrs<Attributes>(node).select_last_index !== 1,
  run({ node, inputs: [x], outputs: [y] }) {
    const { axis = 0 } = attrs<Attributes>(node);
    const at = axis < 0 ? axis + x!.shape.length : axis;
    return plain(tf.reshape(f(x!.plain(), at), [...y!.shape]));
  },
});

const cumSum: Kernel = {
  needs: ["Cumsum", "Transpose"],
  run({ node, inputs: [x] }) {
    const { axis = 0, exclusive = 0, reverse = 0 } = attrs<Attributes>(node);
    const at = axis < 0 ? axis + x!.shape.length : axis;
    return plain(tf.cumsum(x!.plain(), at, exclusive !== 0, reverse !== 0));
  },
};

export const reductionKernels: Kernels = {
  ReduceSum: reduction(["Sum"], (x, axes) => tf.sum(x, axes)),
  ReduceMean: reduction(["Mean"], (x, axes) => tf.mean(x, axes)),
  ReduceMax: reduction(["Max"], (x, axes) => tf.max(x, axes)),
  ReduceMin: reduction(["Min"], (x, axes) => tf.min(x, axes)),
  ReduceProd: reduction(["Prod"], (x, axes) => tf.prod(x, axes)),
  ReduceSumSquare: reduction(["Sum", "Multiply"], (x, axes) => tf.sum(tf.mul(x, x), axes)),
  ReduceL1: reduction(["Sum", "Abs"], (x, axes) => tf.sum(tf.abs(x), axes)),
  ReduceL2: reduction(["Sum", "Multiply", "Sqrt"], (x, axes) =>
    tf.sqrt(tf.sum(tf.mul(x, x), axes)),
  ),
  ReduceLogSumExp: reduction(["Max", "Sub", "Exp", "Sum", "Log", "Add"], (x, axes) =>
    tf.logSumExp(x, axes),
  ),
  ReduceLogSum: reduction(["Sum", "Log"], (x, axes) => tf.log(tf.sum(x, axes))),
  CumSum: cumSum,
  ArgMax: argument("ArgMax", (x, axis) => tf.argMax(x, axis)),
  ArgMin: argument("ArgMin", (x, axis) => tf.argMin(x, axis)),
  Softmax: along((x, axis) => tf.softmax(x, axis), ["Softmax", "Transpose"], -1),
  LogSoftmax: along(
    (x, axis) => {
      const centred = tf.sub(x, tf.max(x, axis, true));
      return tf.sub(centred, tf.log(tf.sum(tf.exp(centred), axis, true)));
    },
    ["Max", "Sub", "Exp", "Sum", "Log", "Transpose"],
    -1,
  ),
};
