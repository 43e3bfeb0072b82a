import { constantOf, type Graph, input, type Node, topological, type Value } from "../ir/graph.ts";
import { again } from "../ir/rewrite.ts";

/** A linear map x ↦ Aᵀ(z)·x, cut into what depends on the point z and what depends on the cotangent. */
export interface Split {
  /** Runs once per batch: the inputs of the model → [`results`…, residuals…]. */
  readonly primal: Graph;
  /** Runs once per cotangent: [cotangents…, residuals…] → `derived`. */
  readonly transposed: Graph;
  readonly residuals: number;
}

/**
 * Every node that does not depend on a cotangent goes into the primal graph; the values that cross
 * are the residuals. Constants are in both.
 */
export function split(
  inputs: readonly Value[],
  cotangents: readonly Value[],
  results: readonly Value[],
  derived: readonly Value[],
): Split {
  const order = topological(derived);
  const linear = dependents(derived, cotangents);
  const residuals = new Set<Value>();
  const cross = (v: Value | undefined) => {
    if (v !== undefined && !linear.has(v) && constantOf(v) === undefined) residuals.add(v);
  };
  for (const node of order) if (linear.has(node.outputs[0])) node.inputs.forEach(cross);
  derived.forEach(cross);

  const crossing = [...residuals];
  const stand = new Map<Value, Value>(
    crossing.map((v, i) => [v, input(`residual${i}`, v.dtype, v.shape)]),
  );
  return {
    primal: { inputs, outputs: [...results, ...crossing] },
    transposed: {
      inputs: [...cotangents, ...stand.values()],
      outputs: substitute(order, derived, stand),
    },
    residuals: crossing.length,
  };
}

/** Everything on the way to `outputs` that depends on one of `sources`, the sources included. */
export function dependents(
  outputs: readonly Value[],
  sources: readonly Value[],
): ReadonlySet<Value> {
  const found = new Set<Value>(sources);
  for (const node of topological(outputs))
    if (node.inputs.some((v) => v !== undefined && found.has(v)))
      for (const out of node.outputs) found.add(out);
  return found;
}

/** The derived values with the crossing values replaced by inputs. */
function substitute(
  order: readonly Node[],
  derived: readonly Value[],
  stand: ReadonlyMap<Value, Value>,
): Value[] {
  const map = new Map<Value, Value>(stand);
  for (const node of order) {
    if (node.outputs.some((v) => map.has(v))) continue;
    const inputs = node.inputs.map((v) => (v === undefined ? undefined : (map.get(v) ?? v)));
    const now = again(node, inputs);
    node.outputs.forEach((old, i) => {
      map.set(old, now.outputs[i]);
    });
  }
  return derived.map((v) => map.get(v)!);
}
