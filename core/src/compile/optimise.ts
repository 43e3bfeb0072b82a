import type { Graph } from "../ir/graph.ts";
import { fold } from "./fold.ts";
import { rotateKernels } from "./rotateKernels.ts";
import { share } from "./share.ts";

/** Rewrites that keep the meaning of a graph and make it faster to run. */
export function optimise(graph: Graph): Graph {
  return fold(rotateKernels(share(fold(graph))));
}
