import { constant, type Graph, input, type Value } from "../ir/graph.ts";
import { float32, known, size } from "../ir/tensor.ts";
import { backward } from "./backward.ts";
import type { Phases } from "./phases.ts";
import { polyphase } from "./polyphase.ts";
import { dependents, type Split, split } from "./split.ts";

export interface Linearized extends Split {
  /** Layouts of `transposed.outputs`, which are the derivatives by the targets, in order. */
  readonly phases: readonly (Phases | undefined)[];
}

/**
 * The vector–Jacobian product of `outputs` with respect to `targets`, as two graphs. Cotangents enter
 * `transposed` in the order of `outputs`; residuals follow. Shapes must be known.
 * @param graph the model (its inputs become the inputs of the primal graph)
 * @param results values the primal graph returns as well, before the residuals
 */
export function linearize(
  graph: Graph,
  outputs: readonly Value[],
  targets: readonly Value[],
  results: readonly Value[] = [],
): Linearized {
  const cotangents = outputs.map((y, i) => input(`cotangent${i}`, y.dtype, y.shape));
  const found = backward(
    outputs.map((output, i) => ({ output, cotangent: cotangents[i] })),
    targets,
  );
  const plain = targets.map((t) => found.get(t) ?? zeros(t));
  const derivatives = polyphase(plain, dependents(plain, cotangents));
  const values = derivatives.map((d) => d.value);
  const parts = split(graph.inputs, cotangents, results, values);
  return { ...parts, phases: derivatives.map((d) => d.phases) };
}

function zeros(like: Value): Value {
  const shape = known(like.shape);
  return constant(float32(shape, new Float32Array(size(shape))));
}
