import { constantOf, type Graph, type Node, nodesOf, type Value } from "../ir/graph.ts";
import { type Lengths, withLengths } from "../ir/lengths.ts";
import { isFloat, size } from "../ir/tensor.ts";

/** Multiply–accumulates of one run of the graph (shapes known: bind the batch to 1 for one sample). */
export function macs(graph: Graph): number {
  return nodesOf(graph).reduce(
    (sum, node) =>
      sum + (typeof node.operator === "string" ? 0 : (node.operator.macs?.(node) ?? 0)),
    0,
  );
}

/**
 * Multiply–accumulates for one sample, without binding the graph; undefined where it takes several at
 * once, or where lengths other than the batch's are open.
 */
export function macsOfOne(graph: Graph): number | undefined {
  const batches = graph.inputs.map((v) => v.shape[0]);
  if (batches.some((d) => typeof d === "number" && d !== 1)) return undefined;
  const one = new Map(batches.flatMap((d) => (typeof d === "string" ? [[d, 1] as const] : [])));
  let sum = 0;
  for (const node of nodesOf(graph)) {
    if (typeof node.operator === "string" || node.operator.macs === undefined) continue;
    const own = withShapes(node, one);
    if ([...own.inputs, ...own.outputs].some(isOpen)) return undefined;
    sum += node.operator.macs(own);
  }
  return sum;
}

/** The node as its operator would make it for the lengths; only its shapes can be asked for. */
function withShapes(node: Node, lengths: Lengths): Node {
  const bound = (v: Value): Value => ({ ...v, shape: withLengths(v.shape, lengths) });
  return {
    ...node,
    inputs: node.inputs.map((v) => v && bound(v)),
    outputs: node.outputs.map(bound),
  };
}

const isOpen = (value: Value | undefined): boolean =>
  value?.shape.some((d) => typeof d === "string") === true;

/** Floating-point parameters: elements of the stored float tensors that the graph reads. */
export function parameters(graph: Graph): number {
  return nodesOf(graph).reduce((sum, node) => {
    const t = constantOf(node.outputs[0]);
    return sum + (t !== undefined && isFloat(t.dtype) ? size(t.shape) : 0);
  }, 0);
}
