import { type Graph, topological } from "../ir/graph.ts";
import { known, size } from "../ir/tensor.ts";
import { layersOf } from "./layers.ts";

/** Bytes of activations and derivatives that one run may touch: more only leaves the caches. */
const BYTES = 4 << 20;
/** Bytes of all values of one run: residuals and derivatives together are a few times as many. */
const ALL_BYTES = 192 << 20;
const MOST = 64;

/** Samples per run for a graph bound to a batch of 1. */
export function chooseBatch(one: Graph): number {
  let [largest, all] = [1, 1];
  for (const node of topological(one.outputs))
    if (typeof node.operator !== "string")
      for (const v of node.outputs) {
        largest = Math.max(largest, size(known(v.shape)));
        all += size(known(v.shape));
      }
  const fits = Math.min(BYTES / largest, ALL_BYTES / all) / 4;
  return Math.max(1, Math.min(MOST, Math.floor(fits)));
}

/**
 * Whether the samples lead every layer's activation, and have an entry each; not so where sequences lead
 * with time, or windows of an image are folded into the batch. Layers are measured sample by sample then.
 * @param one the graph bound to a batch of 1
 * @param two the same, bound to 2
 */
export function samplesLead(one: Graph, two: Graph): boolean {
  const [alone, both] = [layersOf(one), layersOf(two)];
  return alone.every(({ activation: { shape } }, i) => {
    const found = both[i]?.activation.shape;
    return found?.[0] === 2 && shape[0] === 1 && shape.slice(1).every((d, k) => d === found[k + 1]);
  });
}
