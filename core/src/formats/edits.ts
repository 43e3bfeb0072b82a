/**
 * A change to the model file, as data that can be kept and sent. Tensors are named as in the file: the
 * initialiser, or the output of the Constant node; the name of the graph's constant. Several edits of
 * one tensor count indices in the tensor as it is before all of them.
 */
export type Edit = TensorEdit | Setting;

/** A change to one stored tensor. */
export type TensorEdit = Cutting | Replacing;

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

/** A new value for an attribute of an operator of the graph, such as the number of groups of a Conv. */
export interface Setting {
  /** The node's place in the topological order of the graph. */
  readonly node: number;
  readonly attribute: string;
  readonly value: number | readonly number[];
}

export const isSetting = (edit: Edit): edit is Setting => "attribute" in edit;
export const ofTensor = (edit: Edit): edit is TensorEdit => "tensor" in edit;
