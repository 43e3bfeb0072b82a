import { type Graph, type Node, topological, type Value } from "./graph.ts";

/** What a rewrite puts in place of a node's outputs; undefined: the same operator on the new inputs. */
export type Visit = (
  node: Node,
  inputs: readonly (Value | undefined)[],
) => readonly (Value | undefined)[] | undefined;

export interface Rewritten {
  readonly graph: Graph;
  /** The new value that stands for an old one. */
  value(old: Value): Value;
}

/**
 * Builds the graph again, node by node; every node goes through its operator, which infers its shape.
 * Nodes whose inputs did not change are kept, so untouched parts stay shared.
 */
export function rebuild(graph: Graph, visit: Visit): Rewritten {
  const map = new Map<Value, Value>();
  for (const node of topological([...graph.outputs, ...graph.inputs])) {
    const inputs = node.inputs.map((v) => (v === undefined ? undefined : map.get(v)!));
    const replaced = visit(node, inputs) ?? again(node, inputs).outputs;
    node.outputs.forEach((old, i) => {
      const now = replaced[i];
      if (now !== undefined) map.set(old, now);
    });
  }
  const value = (old: Value): Value => {
    const now = map.get(old);
    if (now === undefined) throw new Error("the value is gone from the graph");
    return now;
  };
  return { graph: { inputs: graph.inputs.map(value), outputs: graph.outputs.map(value) }, value };
}

/** The same operator on other inputs. */
export function again(node: Node, inputs: readonly (Value | undefined)[]): Node {
  if (typeof node.operator === "string" || inputs.every((v, i) => v === node.inputs[i]))
    return node;
  return node.operator.node(node.attrs, inputs, node.name);
}
