import { constantOf, type Graph, topological } from "../ir/graph.ts";
import { isFloat, size } from "../ir/tensor.ts";

/** Multiply–accumulates of one run of the graph (shapes known: bind the batch to 1 for one sample). */
export function macs(graph: Graph): number {
  return topological(graph.outputs).reduce(
    (sum, node) =>
      sum + (typeof node.operator === "string" ? 0 : (node.operator.macs?.(node) ?? 0)),
    0,
  );
}

/** Floating-point parameters: elements of the stored float tensors that the graph reads. */
export function parameters(graph: Graph): number {
  return topological(graph.outputs).reduce((sum, node) => {
    const t = constantOf(node.outputs[0]);
    return sum + (t !== undefined && isFloat(t.dtype) ? size(t.shape) : 0);
  }, 0);
}
