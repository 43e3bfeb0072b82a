import * as tf from "@tensorflow/tfjs-core";
import { size } from "#core/ir/tensor.ts";
import { broadcast } from "#core/ops/broadcast.ts";
import type { Held } from "../held.ts";
import { attrs, type Kernel, type Kernels, plain } from "../kernel.ts";
import { repeated } from "./axes.ts";

type GemmAttrs = {
  readonly alpha?: number;
  readonly beta?: number;
  readonly transA?: number;
  readonly transB?: number;
};

const gemm: Kernel = {
  needs: ["BatchMatMul", "Multiply", "Add"],
  run({ node, inputs: [a, b, c] }) {
    const { alpha = 1, beta = 1, transA = 0, transB = 0 } = attrs<GemmAttrs>(node);
    const product = tf.matMul(a!.plain(), b!.plain(), transA !== 0, transB !== 0);
    const scaled = alpha === 1 ? product : tf.mul(product, alpha);
    if (c === undefined) return plain(scaled);
    return plain(tf.add(scaled, beta === 1 ? c.plain() : tf.mul(c.plain(), beta)));
  },
};

/** As one product of stacks of matrices; a right operand that is one matrix meets all rows at once. */
const matMul: Kernel = {
  needs: ["BatchMatMul", "Sum", "Multiply"],
  run({ inputs: [a, b], outputs: [y] }) {
    const left = a!.shape.length === 1 ? [1, ...a!.shape] : a!.shape;
    const right = b!.shape.length === 1 ? [...b!.shape, 1] : b!.shape;
    const [m, k, n] = [left.at(-2)!, left.at(-1)!, right.at(-1)!];
    const pages = size(right.slice(0, -2));
    if (pages === 1 && !(m === 1 && k % BLOCK === 0)) {
      const rows = tf.reshape(a!.plain(), [size(left) / k, k]);
      return plain(tf.reshape(tf.matMul(rows, tf.reshape(b!.plain(), [k, n])), [...y!.shape]));
    }
    if (m === 1 && size(left.slice(0, -2)) === 1 && k % BLOCK === 0)
      return plain(tf.reshape(sumInBlocks(a!.plain(), b!.plain(), [pages, k, n]), [...y!.shape]));
    const batch = broadcast(left.slice(0, -2), right.slice(0, -2), "MatMul") as readonly number[];
    const product = tf.matMul(stack(a!, left, batch, [m, k]), stack(b!, right, batch, [k, n]));
    return plain(tf.reshape(product, [...y!.shape]));
  },
};

/** Rows that are summed together. */
const BLOCK = 8;

/**
 * One row times matrices, which is how sums over a batch are written: in blocks, whose sums are summed.
 * It loses fewer digits than one long sum (pairwise summation), and variances are small differences.
 */
function sumInBlocks(
  row: tf.Tensor,
  b: tf.Tensor,
  [pages, k, n]: readonly [number, number, number],
): tf.Tensor {
  const blocks = k / BLOCK;
  const weights = repeated(row, [1, k], [pages, k]);
  const parts = tf.matMul(
    tf.reshape(weights, [pages * blocks, 1, BLOCK]),
    tf.reshape(b, [pages * blocks, BLOCK, n]),
  );
  return tf.sum(tf.reshape(parts, [pages, blocks, n]), 1);
}

/** [pages, rows, columns], repeated where it broadcasts; one page stays one, which matMul broadcasts. */
function stack(
  x: Held,
  shape: readonly number[],
  batch: readonly number[],
  matrix: readonly [number, number],
): tf.Tensor3D {
  const own = shape.slice(0, -2);
  const count = size(batch);
  if (size(own) === count || size(own) === 1) return tf.reshape(x.plain(), [size(own), ...matrix]);
  const aligned = [...batch.slice(own.length).map(() => 1), ...own];
  const wide = repeated(x.plain(), [...aligned, ...matrix], [...batch, ...matrix]);
  return tf.reshape(wide, [count, ...matrix]);
}

export const matrixKernels: Kernels = { Gemm: gemm, MatMul: matMul };
