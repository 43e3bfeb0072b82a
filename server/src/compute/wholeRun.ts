import { fold } from "#core/compile/fold.ts";
import { WEIGHTS_ONLY, weightsOnly } from "#core/explain/weightLayers.ts";
import type { Graph } from "#core/ir/graph.ts";
import { bindLengths } from "#core/ir/lengths.ts";
import { InvalidNode } from "#core/ops/operator.ts";
import { fail } from "#core/problem.ts";

/** Open lengths of first axes, which are mostly samples, and of others. */
const LEADING = 4;
const OTHER = 16;

/**
 * The graph with numbers for its open lengths: runs as it is, whatever its samples are.
 * @param leading of first axes
 */
export function boundWhole(graph: Graph, path: string, leading = LEADING): Graph {
  if (weightsOnly(graph)) return fail("unreadable-model", WEIGHTS_ONLY, path);
  const lengths = new Map<string, number>();
  for (const { shape } of graph.inputs)
    shape.forEach((d, axis) => {
      if (typeof d !== "string") return;
      if (axis === 0) lengths.set(d, leading);
      else if (!lengths.has(d)) lengths.set(d, OTHER);
    });
  try {
    return fold(bindLengths(graph, lengths).graph);
  } catch (error) {
    if (!(error instanceof InvalidNode)) throw error;
    const tried = [...lengths].map(([name, n]) => `${name} = ${n}`).join(", ");
    const message = `it does not run with ${tried}: ${error.message}; name data to run it on`;
    return fail("unreadable-model", message, path);
  }
}
