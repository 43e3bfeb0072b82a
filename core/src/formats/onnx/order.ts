import { fail } from "../../problem.ts";
import type { GraphProto, NodeProto } from "./schema.ts";

/** "Conv_3" where the file gives no name. */
export const nodeName = ({ name, type }: NodeProto, index: number): string =>
  name || `${type}_${index}`;

/**
 * The indices of the nodes, each after those it reads from; the file's own order where that is so.
 * Throws ProblemError at a name that is given twice and at a cycle.
 */
export function orderOf(
  graph: GraphProto,
  given: ReadonlySet<string>,
  file: string,
): readonly number[] {
  const { nodes } = graph;
  const place = (i: number) => `node ${nodeName(nodes[i], i)} (number ${i})`;
  const producer = new Map<string, number>();
  nodes.forEach((node, i) => {
    for (const name of node.outputs) {
      if (name === "") continue;
      if (producer.has(name) || given.has(name))
        fail("unreadable-model", `the name "${name}" is given to two values`, file, place(i));
      producer.set(name, i);
    }
  });
  const order: number[] = [];
  const state = new Uint8Array(nodes.length);
  const [OPEN, DONE] = [1, 2];
  for (let root = 0; root < nodes.length; root++) {
    const stack = [root];
    while (stack.length > 0) {
      const i = stack[stack.length - 1];
      if (state[i] === 0) {
        state[i] = OPEN;
        for (const name of nodes[i].inputs.toReversed()) {
          const from = producer.get(name);
          if (from === undefined || state[from] === DONE) continue;
          if (state[from] === OPEN)
            fail(
              "unreadable-model",
              `the graph is a cycle: "${name}" depends on itself`,
              file,
              place(i),
            );
          stack.push(from);
        }
      } else {
        stack.pop();
        if (state[i] === OPEN) order.push(i);
        state[i] = DONE;
      }
    }
  }
  return order;
}
