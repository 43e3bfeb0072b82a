import { fold } from "../../compile/fold.ts";
import { constantOf, type Graph } from "../../ir/graph.ts";
import { layersOf, typeOf } from "../layers.ts";

/** Scores by layer, and why a layer has none. */
export interface Scores {
  readonly scores: ReadonlyMap<string, readonly number[]>;
  readonly unscored: ReadonlyMap<string, string>;
}

/**
 * |γ| of the BatchNormalization behind each layer: how far it lets a unit's signal through (network
 * slimming; Liu et al. 2017).
 * @param graph with its weights in memory
 */
export function batchNormScales(graph: Graph): Scores {
  const scores = new Map<string, readonly number[]>();
  const unscored = new Map<string, string>();
  for (const { name, after } of layersOf(fold(graph))) {
    const norm = after.find((n) => typeOf(n) === "BatchNormalization");
    const scale = constantOf(norm?.inputs[1]);
    if (scale === undefined) unscored.set(name, norm === undefined ? NO_NORM : NOT_CONSTANT);
    else scores.set(name, Array.from(scale.data, Math.abs));
  }
  return { scores, unscored };
}

const NO_NORM =
  "no BatchNormalization follows it, or its export folded it into the weights; take another criterion";
const NOT_CONSTANT = "the scale of its BatchNormalization is computed, not stored";
