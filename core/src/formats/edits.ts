import type { Dim } from "../ir/tensor.ts";

/**
 * A change to the model file, as data that can be kept and sent. Tensors are named as in the file: the
 * initialiser, or the output of the Constant node; the name of the graph's constant. Several edits of
 * one tensor count indices in the tensor as it is before all of them.
 */
export type Edit = TensorEdit | Setting;

/** A change to one stored tensor. */
export type TensorEdit = Cutting | Replacing | Writing;

/** Removes indices along one axis. */
export interface Cutting {
  readonly tensor: string;
  readonly axis: number;
  /** Ascending, each once. */
  readonly remove: readonly number[];
}

/** New numbers for a list of integers, such as the target of a Reshape; the same count as before. */
export interface Replacing {
  readonly tensor: string;
  readonly replace: readonly number[];
}

/**
 * New numbers for a float tensor, in its stored layout and in the shape that it has after all cuts. Files
 * that store a narrower type round to it, to nearest, ties to even; what does not fit into its range is
 * refused. Weights that a TensorFlow.js manifest holds quantised to integers become float32.
 */
export interface Writing {
  readonly tensor: string;
  readonly write: Float32Array | Float64Array;
}

/**
 * A new value for an attribute of an operator of the graph, such as the number of groups of a Conv. In the
 * shape of an Expand lengths can be names.
 */
export interface Setting {
  /** The node's place in the topological order of the graph. */
  readonly node: number;
  readonly attribute: string;
  readonly value: number | readonly Dim[];
}

export const isSetting = (edit: Edit): edit is Setting => "attribute" in edit;
export const ofTensor = (edit: Edit): edit is TensorEdit => "tensor" in edit;
