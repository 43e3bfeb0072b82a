import * as tf from "@tensorflow/tfjs-core";
import type { Node } from "#core/ir/graph.ts";
import { size } from "#core/ir/tensor.ts";
import type { Kernel } from "./kernel.ts";
import { kernels } from "./kernels/table.ts";

/** Axes that TensorFlow.js's tensors may have. */
const RANK = 6;

/**
 * The kernel that computes a node exactly on this backend; undefined: the operator's own definition
 * does. That is slow, and right.
 */
export function kernelOf(
  node: Node,
  used: readonly boolean[],
  backend: string,
): Kernel | undefined {
  if (typeof node.operator === "string") return undefined;
  const kernel = kernels[node.operator.type];
  if (kernel === undefined || !typesFit(kernel, node, used) || !shapesFit(node)) return undefined;
  if (!kernel.needs.every((name) => tf.getKernel(name, backend) !== undefined)) return undefined;
  return (kernel.fits?.(node, used) ?? true) ? kernel : undefined;
}

function typesFit(
  { dtypes = ["float32"], indices = [], givesIndices = false }: Kernel,
  { inputs, outputs }: Node,
  used: readonly boolean[],
): boolean {
  return (
    inputs.every((v, i) => {
      if (v === undefined) return true;
      if (indices.includes(i)) return v.dtype === "int64" || v.dtype === "int32";
      return dtypes.includes(v.dtype);
    }) &&
    outputs.every((v, i) => {
      if (used[i] !== true) return true;
      return givesIndices ? v.dtype === "int64" : dtypes.includes(v.dtype);
    })
  );
}

/** Backends treat empty tensors each in their own way. */
function shapesFit({ inputs, outputs }: Node): boolean {
  return [...inputs, ...outputs].every(
    (v) => v === undefined || (v.shape.length <= RANK && size(v.shape as readonly number[]) > 0),
  );
}
