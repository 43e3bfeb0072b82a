import { dependents } from "../autodiff/split.ts";
import { type Graph, input, isConstant, topological, type Value } from "../ir/graph.ts";
import { rebuild } from "../ir/rewrite.ts";
import { NotTrainable, type Parameter } from "./parameters.ts";

/** A graph cut where its trained parameters come in. */
export interface Cut {
  /** Computes the features from the model's inputs; undefined where they are the inputs, in order. */
  readonly prefix: Graph | undefined;
  /** Inputs: features, then parameters in order; outputs: the graph's first. */
  readonly head: Graph;
  /** As many inputs of the head are features. */
  readonly features: number;
}

/**
 * Cuts the graph into what stays the same while the parameters are trained, and the rest. Where samples do
 * not lead the values between them, all is the rest.
 */
export function splitAt(
  { inputs, outputs: [output] }: Graph,
  parameters: readonly Parameter[],
): Cut {
  const constants = parameters.flatMap((p) => p.constants);
  const trained = dependents([output], constants);
  if (!trained.has(output)) throw new NotTrainable("its output does not depend on those layers");
  const crossing = new Set<Value>();
  for (const node of topological([output])) {
    if (typeof node.operator === "string" || !trained.has(node.outputs[0])) continue;
    for (const v of node.inputs)
      if (v !== undefined && !trained.has(v) && !isConstant(v)) crossing.add(v);
  }
  const [batch] = inputs[0].shape;
  const leads = [...crossing].every((v) => v.shape[0] === batch);
  const features = leads ? [...crossing] : inputs;
  const stand = new Map<Value, Value>();
  features.forEach((v, i) => {
    stand.set(v, input(`feature${i}`, v.dtype, v.shape));
  });
  const own = parameters.map(({ name, tensor: { dtype, shape }, constants: same }) => {
    const value = input(name, dtype, shape);
    for (const v of same) stand.set(v, value);
    return value;
  });
  const head = rebuild({ inputs: [], outputs: [output] }, ({ outputs }) =>
    outputs.some((v) => stand.has(v)) ? outputs.map((v) => stand.get(v) ?? v) : undefined,
  ).graph;
  return {
    prefix: sameValues(features, inputs) ? undefined : { inputs, outputs: features },
    head: { inputs: [...features.map((v) => stand.get(v)!), ...own], outputs: head.outputs },
    features: features.length,
  };
}

const sameValues = (a: readonly Value[], b: readonly Value[]): boolean =>
  a.length === b.length && a.every((v, i) => v === b[i]);
