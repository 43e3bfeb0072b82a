import { product } from "../ops/dims.ts";
import { expand } from "../ops/expand.ts";
import { type Graph, input } from "./graph.ts";
import { type Rewritten, rebuild } from "./rewrite.ts";
import type { Dim, Shape } from "./tensor.ts";

export type Lengths = ReadonlyMap<string, Dim>;

/** The shape with lengths in place of names, also of those that are factors ("64*N"). */
export function withLengths(shape: Shape, lengths: Lengths): Shape {
  return shape.map((d) => {
    if (typeof d === "number") return d;
    return lengths.get(d) ?? product(d.split("*").map((name) => lengths.get(name) ?? name));
  });
}

/**
 * The graph for lengths of axes that were known by name only. Every node goes through its operator,
 * which infers its shape again. Throws InvalidNode where an operator does not take the lengths.
 */
export const bindLengths = (graph: Graph, lengths: Lengths): Rewritten =>
  rebuild(graph, (node, inputs) => {
    if (node.operator === "input") {
      const [value] = node.outputs;
      const shape = withLengths(value.shape, lengths);
      return shape.every((d, i) => d === value.shape[i])
        ? undefined
        : [input(node.name, value.dtype, shape)];
    }
    if (typeof node.operator === "string" || node.operator.type !== expand.type) return undefined;
    const { shape } = node.attrs as { shape: Shape };
    const attrs = { shape: withLengths(shape, lengths) };
    return attrs.shape.every((d, i) => d === shape[i])
      ? undefined
      : expand.node(attrs, inputs, node.name).outputs;
  });
