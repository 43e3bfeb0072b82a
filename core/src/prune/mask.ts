import { constant, type Graph } from "../ir/graph.ts";
import { rebuild } from "../ir/rewrite.ts";
import { tensor } from "../ir/tensor.ts";
import { mul } from "../ops/mul.ts";
import type { Operator } from "../ops/operator.ts";
import type { Mask } from "./plan.ts";

/** The graph with the masked units' signals set to zero where they are summed up. */
export function maskUnits(graph: Graph, masks: readonly Mask[]): Graph {
  return rebuild(graph, (node, inputs) => {
    const own = masks.filter((m) => m.node === node);
    if (own.length === 0) return undefined;
    const masked = [...inputs];
    for (const { input, axis, indices } of own) {
      const value = masked[input]!;
      const length = value.shape[axis] as number;
      const keep = new (value.dtype === "float64" ? Float64Array : Float32Array)(length).fill(1);
      for (const i of indices) keep[i] = 0;
      const shape = value.shape.map((_, d) => (d === axis ? length : 1));
      masked[input] = mul({}, value, constant(tensor(value.dtype, shape, keep)));
    }
    return (node.operator as Operator).node(node.attrs, masked, node.name).outputs;
  }).graph;
}
