import type * as tf from "@tensorflow/tfjs-core";
import type { Node } from "#core/ir/graph.ts";
import { type DType, known } from "#core/ir/tensor.ts";
import type { Held, KnownType, Layout } from "./held.ts";

/** What a kernel is given: a node whose shapes are known, and its inputs. */
export interface Call {
  readonly node: Node;
  readonly inputs: readonly (Held | undefined)[];
  readonly outputs: readonly KnownType[];
}

export type Made = {
  readonly layout: Layout;
  readonly tensor: tf.Tensor;
};

/** How TensorFlow.js computes one operator. Nodes that it does not fit go to the reference. */
export interface Kernel {
  /** Kernels of TensorFlow.js that the backend must have. */
  readonly needs: readonly string[];
  /** Inputs that are indices: 64-bit integers are fine there. */
  readonly indices?: readonly number[];
  /** Whether the result is indices. */
  readonly givesIndices?: boolean;
  /** Element types of the other inputs and outputs; float32 alone where absent. */
  readonly dtypes?: readonly DType[];
  /**
   * Whether it computes exactly what this node says; absent: always.
   * @param used per output of the node, whether anybody reads it
   */
  fits?(node: Node, used: readonly boolean[]): boolean;
  /** One for each output that is used, in order from the first. */
  run(call: Call): readonly Made[];
}

export type Kernels = Readonly<Record<string, Kernel>>;

export const plain = (tensor: tf.Tensor): readonly Made[] => [{ layout: "plain", tensor }];
export const last = (tensor: tf.Tensor): readonly Made[] => [{ layout: "last", tensor }];

export const shapeOf = (node: Node, input: number): readonly number[] =>
  known(node.inputs[input]!.shape);

export const outputShape = (node: Node): readonly number[] => known(node.outputs[0]!.shape);

/** Attributes as the operator wrote them; each kernel knows its operator's. */
export const attrs = <A extends object>(node: Node): A => node.attrs as A;
