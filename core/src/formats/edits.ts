/**
 * A change to one stored tensor of the model file, as data that can be kept and sent. Tensors are named
 * as in the file: the initialiser, or the output of the Constant node; the name of the graph's constant.
 * Several edits of one tensor count indices in the tensor as it is before all of them.
 */
export type Edit = Cutting | Replacing;

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
