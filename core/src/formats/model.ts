import type { Graph, Node, Value } from "../ir/graph.ts";

export type FormatName = "onnx" | "keras" | "tfjs" | "safetensors";

/** A model file, read: an immutable value. */
export interface Model {
  readonly format: FormatName;
  /** Base name of the file. */
  readonly name: string;
  /**
   * Constants that are stored in the file have its name for them (initialiser, or output of a Constant
   * node) as `node.name`; constants made while reading have "". Operator nodes have the file's name,
   * or type and index ("Conv_3") where it gives none.
   */
  readonly graph: Graph;
  /**
   * Some nodes could not be read: the graph ends before them, and what they would have read has become
   * its outputs. The problems say which.
   */
  readonly partial: boolean;
  /** How many of the graph's outputs, the first ones, are the model's own; all when absent. */
  readonly ownOutputs?: number;
  /** Where the graph ends before the model's outputs do. */
  readonly ends?: readonly End[];
  readonly facts: Facts;
  /** The file's names of its values. */
  readonly names: ReadonlyMap<Value, string>;
  /** Where a node comes from; several nodes can stand for one of an older opset. */
  readonly origins: ReadonlyMap<Node, Origin>;
  /** Elements of the stored floating-point tensors, and of quantised weights, that the graph reads. */
  readonly parameters: number;
  /** What is worth knowing of the model and no problem. */
  readonly notes?: readonly string[];
}

/** Values that go into what could not be read. */
export interface End {
  /** The place that the problem names: "node Foo_3". */
  readonly at: string;
  readonly values: readonly Value[];
}

export interface Facts {
  /** What people call the file's kind: "onnx, opset 17", "keras 3.15, .h5", "tfjs graph model". */
  readonly dialect: string;
  /** "pytorch 2.4.0"; "" where the file does not say. */
  readonly producer: string;
  /** What the file says it is for. */
  readonly docString: string;
  /** Key and value pairs that the file carries for people. */
  readonly metadata: ReadonlyMap<string, string>;
  /** Stored element types that are widened to float32: "float16", "bfloat16". */
  readonly widened: readonly string[];
  /** Nodes or layers in the file. */
  readonly nodes: number;
}

export interface Origin {
  readonly index: number;
  /** As in the file, before it is brought to the canonical operators: "Conv", "Conv2D". */
  readonly type: string;
  readonly name: string;
}
