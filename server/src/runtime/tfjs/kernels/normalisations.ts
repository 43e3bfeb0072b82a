import * as tf from "@tensorflow/tfjs-core";
import { size } from "#core/ir/tensor.ts";
import { range } from "../held.ts";
import { attrs, type Kernel, type Kernels, last, plain } from "../kernel.ts";

type Attributes = { readonly epsilon?: number; readonly axis?: number };

const EPSILON = 1e-5;

/** scale·(x − mean)/√(var + ε) + bias, folded into one slope and offset per channel. */
const batchNormalization: Kernel = {
  needs: ["Rsqrt", "Add", "Multiply", "Sub"],
  fits: (_node, used) => used.every((u, i) => i === 0 || !u),
  run({ node, inputs }) {
    const { epsilon = EPSILON } = attrs<Attributes>(node);
    const [x, ...parameters] = inputs.map((v) => v!);
    const [scale, bias, mean, variance] = parameters.map((p) => p.plain());
    const slope = tf.mul(scale!, tf.rsqrt(tf.add(variance!, epsilon)));
    const offset = tf.sub(bias!, tf.mul(mean!, slope));
    if (x!.onlyLast) return last(tf.add(tf.mul(x!.last(), slope), offset));
    const shape = x!.shape.map((n, d) => (d === 1 ? n : 1));
    const product = tf.mul(x!.plain(), tf.reshape(slope, shape));
    return plain(tf.add(product, tf.reshape(offset, shape)));
  },
};

function normalised(x: tf.Tensor, axes: number[], epsilon: number): tf.Tensor {
  const centred = tf.sub(x, tf.mean(x, axes, true));
  const variance = tf.mean(tf.mul(centred, centred), axes, true);
  return tf.mul(centred, tf.rsqrt(tf.add(variance, epsilon)));
}

const layerNormalization: Kernel = {
  needs: ["Mean", "Rsqrt", "Add", "Multiply", "Sub"],
  fits: (_node, used) => used.every((u, i) => i === 0 || !u),
  run({ node, inputs: [x, scale, bias] }) {
    const { axis = -1, epsilon = EPSILON } = attrs<Attributes>(node);
    const rank = x!.shape.length;
    const normal = normalised(x!.plain(), range(axis < 0 ? axis + rank : axis, rank), epsilon);
    const scaled = tf.mul(normal, scale!.plain());
    return plain(bias === undefined ? scaled : tf.add(scaled, bias.plain()));
  },
};

const instanceNormalization: Kernel = {
  needs: ["Mean", "Rsqrt", "Add", "Multiply", "Sub"],
  run({ node, inputs: [x, scale, bias] }) {
    const { epsilon = EPSILON } = attrs<Attributes>(node);
    const shape = x!.shape.map((n, d) => (d === 1 ? n : 1));
    const normal = normalised(x!.plain(), range(2, x!.shape.length), epsilon);
    const scaled = tf.mul(normal, tf.reshape(scale!.plain(), shape));
    return plain(tf.add(scaled, tf.reshape(bias!.plain(), shape)));
  },
};

/** Statistics over groups of maps. */
const groupNormalization: Kernel = {
  needs: ["Mean", "Rsqrt", "Add", "Multiply", "Sub"],
  run({ node, inputs: [x, scale, bias] }) {
    const { epsilon = EPSILON, num_groups: groups } = attrs<
      Attributes & { readonly num_groups: number }
    >(node);
    const [n, channels, ...spatial] = x!.shape as [number, number, ...number[]];
    const rows = tf.reshape(x!.plain(), [n * groups, (channels / groups) * size(spatial)]);
    const normal = tf.reshape(normalised(rows, [1], epsilon), [n, channels, ...spatial]);
    const shape = x!.shape.map((d, axis) => (axis === 1 ? d : 1));
    const scaled = tf.mul(normal, tf.reshape(scale!.plain(), shape));
    return plain(tf.add(scaled, tf.reshape(bias!.plain(), shape)));
  },
};

type LrnAttrs = {
  readonly size: number;
  readonly alpha?: number;
  readonly beta?: number;
  readonly bias?: number;
};

/** TensorFlow.js's windows over channels are symmetric: those of odd size are. */
const lrn: Kernel = {
  needs: ["LRN"],
  fits: (node) => attrs<LrnAttrs>(node).size % 2 === 1,
  run({ node, inputs: [x] }) {
    const { size: window, alpha = 1e-4, beta = 0.75, bias = 1 } = attrs<LrnAttrs>(node);
    const [n, channels, ...spatial] = x!.shape as [number, number, ...number[]];
    const image = tf.reshape(x!.last(), [n, size(spatial), 1, channels]) as tf.Tensor4D;
    const y = tf.localResponseNormalization(image, (window - 1) / 2, bias, alpha / window, beta);
    return last(tf.reshape(y, [n, ...spatial, channels]));
  },
};

export const normalisationKernels: Kernels = {
  BatchNormalization: batchNormalization,
  LayerNormalization: layerNormalization,
  InstanceNormalization: instanceNormalization,
  GroupNormalization: groupNormalization,
  LRN: lrn,
};
