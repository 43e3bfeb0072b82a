import { type Node, topological, type Value } from "../ir/graph.ts";

/**
 * The values whose derivative cannot be had, each with the operator in the way: one that is
 * differentiable but has no gradient here lies between them and the outputs.
 * @param refused nodes whose gradient was found not to cover them
 */
export function blocked(
  outputs: readonly Value[],
  refused: ReadonlySet<Node> = new Set(),
): ReadonlyMap<Value, Node> {
  const reached = new Set<Value>(outputs);
  const found = new Map<Value, Node>();
  for (const node of topological(outputs).reverse()) {
    const { operator } = node;
    if (typeof operator === "string" || operator.gradient === "none") continue;
    if (!node.outputs.some((v) => reached.has(v))) continue;
    const behind = node.outputs.map((v) => found.get(v)).find((n) => n !== undefined);
    const inTheWay = operator.gradient === "missing" || refused.has(node) ? node : behind;
    for (const v of node.inputs) {
      if (v === undefined) continue;
      reached.add(v);
      if (inTheWay !== undefined && !found.has(v)) found.set(v, inTheWay);
    }
  }
  return found;
}
