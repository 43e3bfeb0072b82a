import type { Graph, Node, Value } from "../ir/graph.ts";
import { rebuild } from "../ir/rewrite.ts";

/** Computes equal things once (common subexpression elimination). */
export function share(graph: Graph): Graph {
  const ids = new Map<Value, number>();
  const seen = new Map<string, Node>();
  const id = (v: Value): number => {
    let known = ids.get(v);
    if (known === undefined) {
      known = ids.size;
      ids.set(v, known);
    }
    return known;
  };
  return rebuild(graph, (node, inputs) => {
    if (typeof node.operator === "string") return undefined;
    const key = `${node.operator.type}(${inputs.map((v) => (v === undefined ? "" : id(v)))})${JSON.stringify(node.attrs)}`;
    const first = seen.get(key);
    if (first !== undefined) return first.outputs;
    const now = node.operator.node(node.attrs, inputs, node.name);
    seen.set(key, now);
    return now.outputs;
  }).graph;
}
