import { constant, constantOf, type Graph, type Value } from "../ir/graph.ts";
import { rebuild } from "../ir/rewrite.ts";
import { float32, size, type Tensor } from "../ir/tensor.ts";

/** A folded result may be this much larger than what it is computed from. */
const GROWTH = 4;
const SMALL = 4096;

/** Replaces what depends on constants alone by its value (constant folding, by reference evaluation). */
export function fold(graph: Graph): Graph {
  return rebuild(graph, (node, inputs) => {
    if (typeof node.operator === "string" || inputs.length === 0) return undefined;
    const tensors = inputs.map(constantOf);
    if (tensors.some((t, i) => t === undefined && inputs[i] !== undefined)) return undefined;
    const types = node.operator.infer(inputs, node.attrs) as {
      dtype: Tensor["dtype"];
      shape: readonly number[];
    }[];
    const before = tensors.reduce((n, t) => n + (t === undefined ? 0 : t.data.length), 0);
    const after = types.reduce((n, t) => n + size(t.shape), 0);
    if (after > SMALL && after > GROWTH * before) return undefined;
    return node.operator
      .evaluate(tensors, node.attrs, types)
      .map((t): Value => constant(narrow(t)));
  }).graph;
}

const narrow = (t: Tensor): Tensor => (t.dtype === "float32" ? float32(t.shape, t.data) : t);
