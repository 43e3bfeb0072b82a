import type { Graph, Node, Value } from "../ir/graph.ts";

/** A model file, read: an immutable value. */
export interface Model {
  readonly format: "onnx";
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
  readonly facts: Facts;
  /** The file's names of its values. */
  readonly names: ReadonlyMap<Value, string>;
  /** Where a node comes from; several nodes can stand for one of an older opset. */
  readonly origins: ReadonlyMap<Node, Origin>;
  /** Elements of the stored floating-point tensors that the graph reads. */
  readonly parameters: number;
}

export interface Facts {
  readonly opset: number;
  readonly irVersion: number;
  /** "pytorch 2.4.0"; "" where the file does not say. */
  readonly producer: string;
  readonly domain: string;
  readonly version: number;
  readonly graphName: string;
  readonly docString: string;
  readonly metadata: ReadonlyMap<string, string>;
  /** Operator sets besides ONNX's own. */
  readonly otherOpsets: ReadonlyMap<string, number>;
  /** Stored element types that are widened to float32: "float16", "bfloat16". */
  readonly widened: readonly string[];
  readonly nodes: number;
}

export interface Origin {
  readonly index: number;
  /** As in the file, before it is brought to the canonical opset. */
  readonly type: string;
  readonly name: string;
  /** Bytes [start, end) of the node in the file. */
  readonly start: number;
  readonly end: number;
}
