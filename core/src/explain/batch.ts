import { type Graph, topological } from "../ir/graph.ts";
import { known, size } from "../ir/tensor.ts";

/** Bytes of activations and derivatives that one run may touch: more only leaves the caches. */
const BYTES = 4 << 20;
const MOST = 64;

/** Samples per run for a graph bound to a batch of 1. */
export function chooseBatch(one: Graph): number {
  let largest = 1;
  for (const node of topological(one.outputs))
    if (typeof node.operator !== "string")
      for (const v of node.outputs) largest = Math.max(largest, size(known(v.shape)));
  return Math.max(1, Math.min(MOST, Math.floor(BYTES / (4 * largest))));
}
