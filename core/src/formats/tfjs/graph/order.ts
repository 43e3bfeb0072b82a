import { fail } from "../../../problem.ts";
import type { GraphNode, Reference } from "./graphDef.ts";

/** The nodes that the outputs need, each after its inputs. Throws ProblemError where they form a cycle. */
export function orderOf(
  nodes: ReadonlyMap<string, GraphNode>,
  outputs: readonly Reference[],
  file: string,
): readonly GraphNode[] {
  const order: GraphNode[] = [];
  const state = new Map<string, "open" | "done">();
  const stack = outputs.map((o) => o.node).reverse();
  while (stack.length > 0) {
    const name = stack[stack.length - 1];
    const node = nodes.get(name);
    const seen = state.get(name);
    if (seen === undefined && node !== undefined) {
      state.set(name, "open");
      for (const { node: from } of node.inputs.toReversed()) {
        if (state.get(from) === "open")
          fail(
            "unreadable-model",
            `the graph is a cycle: it depends on itself`,
            file,
            `node ${from}`,
          );
        if (!state.has(from)) stack.push(from);
      }
    } else {
      stack.pop();
      if (seen === "open" && node !== undefined) {
        state.set(name, "done");
        order.push(node);
      }
    }
  }
  return order;
}
