import type { Graph, Value } from "../ir/graph.ts";
import { known, size } from "../ir/tensor.ts";
import { reshapeTo } from "../ops/reshape.ts";
import { softmax } from "../ops/softmax.ts";
import { typeOf } from "./layers.ts";

export type OutputKind = "probabilities" | "logits";

/** What is explained: y, and the logits z that the classes' contributions are measured on. */
export interface Readout {
  /** [B, m]: the outputs that are differentiated. */
  readonly y: Value;
  /** [B, m]: before the final Softmax or Sigmoid (y itself when there is none). */
  readonly z: Value;
  readonly count: number;
  readonly kind: "softmax" | "sigmoid" | "linear";
}

/**
 * Finds an output's probabilities and logits (the first one's where none is named). σ of ∂y/∂a needs probabilities: where a
 * classifier returns logits (more than one output, no final Softmax), Softmax is added.
 */
export function readout(graph: Graph, outputs: OutputKind, which = 0): Readout {
  const result = graph.outputs[which];
  const last = typeOf(result.node);
  const ends = last === "Softmax" || last === "Sigmoid";
  const z = flat(ends ? result.node.inputs[0]! : result);
  const count = known(z.shape)[1];
  if (outputs === "logits") return { y: z, z, count, kind: "linear" };
  if (last === "Sigmoid") return { y: flat(result), z, count, kind: "sigmoid" };
  if (last === "Softmax") return { y: flat(result), z, count, kind: "softmax" };
  if (count === 1) return { y: z, z, count, kind: "linear" };
  return { y: softmax({ axis: 1 }, z), z, count, kind: "softmax" };
}

function flat(value: Value): Value {
  const [batch, ...rest] = known(value.shape);
  return rest.length === 1 ? value : reshapeTo(value, [batch, size(rest)]);
}

/** Whether labels can be right or wrong: not for a single linear output, which is a regression. */
export const classifies = ({ count, kind }: Readout): boolean => count > 1 || kind === "sigmoid";
