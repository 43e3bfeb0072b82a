import { type Node, topological, type Value } from "../ir/graph.ts";
import { showType } from "../ir/tensor.ts";
import { add } from "../ops/add.ts";
import { InvalidNode, type Operator } from "../ops/operator.ts";
import { dependents } from "./split.ts";

/** An operator on the way has no gradient. A fact about the model: name it, never pass it over. */
export class NotDifferentiable extends Error {
  readonly node: Node;
  constructor(node: Node, type: string, because = "") {
    super(`${type} ${node.name} has no gradient${because && `: ${because}`}`);
    this.node = node;
  }
}

/** One output with the cotangent that enters there (same shape). */
export interface Seed {
  readonly output: Value;
  readonly cotangent: Value;
}

/**
 * Extends the graph with Σ_outputs cotangentᵀ · ∂output/∂target, for each target (reverse-mode
 * differentiation). Targets may be any values, also ones that other targets depend on. A target the
 * outputs do not depend on has no entry: its derivative is zero. The result is a graph of the same
 * operators, so it can be differentiated again.
 */
export function backward(
  seeds: readonly Seed[],
  targets: readonly Value[],
): ReadonlyMap<Value, Value> {
  const roots = seeds.map((s) => s.output);
  const order = topological(roots);
  const needed = dependents(roots, targets);
  const cotangents = new Map<Value, Value>();
  for (const { output, cotangent } of seeds) accumulate(cotangents, output, cotangent);

  for (const node of order.reverse()) {
    if (typeof node.operator === "string") continue;
    const onPath = node.inputs.map((v) => v !== undefined && needed.has(v));
    if (!onPath.includes(true)) continue;
    const incoming = node.outputs.map((v) => cotangents.get(v));
    if (incoming.every((c) => c === undefined)) continue;
    gradientOf(node, node.operator, incoming).forEach((into, i) => {
      const source = node.inputs[i];
      if (into !== undefined && source !== undefined && onPath[i])
        accumulate(cotangents, source, into);
    });
  }
  const wanted = new Set(targets);
  return new Map([...cotangents].filter(([v]) => wanted.has(v)));
}

/** What a gradient does not cover is refused like an operator without one. */
function gradientOf(
  node: Node,
  { gradient, type }: Operator,
  incoming: readonly (Value | undefined)[],
): readonly (Value | undefined)[] {
  if (gradient === "none") return [];
  if (gradient === "missing") throw new NotDifferentiable(node, type);
  try {
    return gradient(incoming, node);
  } catch (error) {
    if (error instanceof InvalidNode) throw new NotDifferentiable(node, type, error.message);
    throw error;
  }
}

function accumulate(cotangents: Map<Value, Value>, value: Value, into: Value): void {
  if (value.shape.join() !== into.shape.join())
    throw new Error(`cotangent ${showType(into)} for ${showType(value)}`);
  const sum = cotangents.get(value);
  cotangents.set(value, sum === undefined ? into : add({}, sum, into));
}
