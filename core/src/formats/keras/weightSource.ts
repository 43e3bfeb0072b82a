import type { Tensor } from "../../ir/tensor.ts";

/** Where the builder gets the variables of layers from: HDF5 here, the shards of a manifest in TensorFlow.js. */
export interface WeightSource {
  /**
   * The variables of one layer, as many as there are names and in their order; undefined: not in the file.
   * The tensors may be lazy (`lazyTensor`).
   */
  variables(layer: LayerPlace, names: readonly string[]): readonly (StoredVariable | undefined)[];
}

/** A layer of the configuration. */
export interface LayerPlace {
  /** Names of the nested models around it, then its own: ["encoder", "block1", "conv"]. */
  readonly path: readonly string[];
  /** The same in Keras 3's own containers, where names are made of classes: ["layers/functional", "layers/conv2d_1"]. */
  readonly saved: readonly string[];
  readonly className: string;
}

/**
 * Names of variables are Keras's own, with the sublayer before them where there is one: "kernel", "bias",
 * "gamma", "moving_mean", "embeddings", "cell/recurrent_kernel", "forward_layer/cell/kernel",
 * "query_dense/kernel". The names of one layer are in the order in which Keras lists its weights.
 */
export interface StoredVariable {
  /** What the file calls it: a path in HDF5, a name of the manifest. */
  readonly name: string;
  readonly tensor: Tensor;
}

/** The name of the graph's constant for a variable, which edits use: "encoder/block1/conv/kernel". */
export const variableName = (path: readonly string[], variable: string): string =>
  [...path, variable].join("/");
