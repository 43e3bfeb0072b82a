import { typeOf } from "../../explain/layers.ts";
import { isConstant, type Node, type Value } from "../../ir/graph.ts";
import { windows } from "../../ops/pads.ts";
import type { Structure } from "../coupling/structure.ts";
import { perIndex, type View, viewOf } from "./view.ts";

/** A convolution or product with constant weights: y = scale · Σ w x + bias, by the axes of its weights. */
export interface Affine {
  readonly node: Node;
  readonly x: Value;
  /** Axis of x that is summed over, and axis of the units in the result. */
  readonly xAxis: number;
  readonly unitAxis: number;
  /** Weights as view, with the axes of what comes in (within a group) and of the units. */
  readonly weights: View;
  readonly inAxis: number;
  readonly outAxis: number;
  /** Offsets of one kernel in the view's data; [0] for products. */
  readonly kernel: Int32Array;
  readonly units: number;
  /** Channels that a unit sees. */
  readonly depth: number;
  readonly group: number;
  readonly scale: number;
  readonly bias: Float64Array;
  /** Not every position sees the whole kernel: constants other than 0 look different at the borders. */
  readonly borders: boolean;
}

interface GemmAttrs {
  readonly alpha?: number;
  readonly beta?: number;
  readonly transA?: number;
  readonly transB?: number;
}

/** Undefined for other nodes, and where weights or bias are not known. */
export function affineOf(structure: Structure, node: Node): Affine | undefined {
  const [x, w, b] = node.inputs;
  const [y] = node.outputs;
  if (!TYPES.has(typeOf(node)) || x === undefined || isConstant(x)) return undefined;
  const weights = viewOf(structure, w);
  if (weights === undefined) return undefined;
  const type = typeOf(node);
  const bias = (channels: number, factor = 1): Float64Array | undefined => {
    if (b === undefined) return new Float64Array(channels);
    // Gemm's C is aligned at its last axis, the bias of a convolution has only one.
    return perIndex(structure, b, 1, channels)?.map((v) => v * factor);
  };
  if (type === "Gemm" || type === "MatMul") {
    const { alpha = 1, beta = 1, transA = 0, transB = 0 } = node.attrs as GemmAttrs;
    if (weights.shape.length !== 2 || x.shape.length < 2 || transA !== 0) return undefined;
    const [inAxis, outAxis] = transB === 0 ? [0, 1] : [1, 0];
    const units = weights.shape[outAxis];
    const own = bias(units, beta);
    return (
      own && {
        node,
        x,
        xAxis: x.shape.length - 1,
        unitAxis: y.shape.length - 1,
        weights,
        inAxis,
        outAxis,
        kernel: new Int32Array(1),
        units,
        depth: weights.shape[inAxis],
        group: 1,
        scale: alpha,
        bias: own,
        borders: false,
      }
    );
  }
  const { group = 1 } = node.attrs as { group?: number };
  const transposed = type === "ConvTranspose";
  if (transposed && group !== 1) return undefined;
  const [inAxis, outAxis] = transposed ? [0, 1] : [1, 0];
  const units = weights.shape[outAxis];
  const own = bias(units);
  return (
    own && {
      node,
      x,
      xAxis: 1,
      unitAxis: 1,
      weights,
      inAxis,
      outAxis,
      kernel: kernelOffsets(weights),
      units,
      depth: weights.shape[inAxis],
      group,
      scale: 1,
      bias: own,
      borders: transposed || isPadded(node, x, weights),
    }
  );
}

const TYPES: ReadonlySet<string> = new Set(["Conv", "ConvTranspose", "Gemm", "MatMul"]);

function isPadded({ attrs }: Node, x: Value, { shape }: View): boolean {
  const { pads = [], auto_pad = "NOTSET" } = attrs as { pads?: number[]; auto_pad?: string };
  if (pads.some((p) => p !== 0)) return true;
  if (!auto_pad.startsWith("SAME_")) return false;
  const spatial = x.shape.slice(2);
  if (spatial.some((d) => typeof d !== "number")) return true;
  const { before, after } = windows(attrs, spatial, shape.slice(2), "Conv");
  return [...before, ...after].some((p) => p !== 0);
}

/** Of the elements of one kernel, from its first; row-major. */
function kernelOffsets({ shape, strides }: View): Int32Array {
  let offsets = [0];
  for (let d = 2; d < shape.length; d++)
    offsets = offsets.flatMap((at) =>
      Array.from({ length: shape[d] }, (_, i) => at + i * strides[d]),
    );
  return Int32Array.from(offsets);
}

/** Where the kernel of a unit for what comes in at a place of its group begins in the view's data. */
export const kernelAt = ({ weights, inAxis, outAxis }: Affine, unit: number, place: number) =>
  unit * weights.strides[outAxis] + place * weights.strides[inAxis];
