import { fold } from "#core/compile/fold.ts";
import { chooseBatch } from "#core/explain/batch.ts";
import { bindBatch } from "#core/formats/batch.ts";
import type { Graph } from "#core/ir/graph.ts";
import { known } from "#core/ir/tensor.ts";
import { fail } from "#core/problem.ts";
import { readModelOf } from "../files/openModel.ts";

export interface Bound {
  readonly graph: Graph;
  readonly batch: number;
  /** Everything it was read from. */
  readonly files: readonly string[];
}

/**
 * A model read for running: weights in memory, constants folded, its batch bound to a number. Models
 * that only take the batch they were exported with run sample by sample.
 * @param change applied to the graph as the file has it, before anything else
 */
export async function bound(
  path: string,
  asked?: number,
  change: (graph: Graph) => Graph = (graph) => graph,
): Promise<Bound> {
  const { model, files } = await readModelOf(path);
  const { length } = model.graph.inputs;
  if (length !== 1)
    return fail(
      "unreadable-model",
      `it has ${length} inputs; models with one input can be explained`,
      path,
    );
  const changed = change(model.graph);
  const bind = (batch: number): Graph => {
    const result = bindBatch(changed, batch);
    if (result.kind === "refused")
      return fail(
        "unreadable-model",
        `it does not take batches of ${batch}: ${result.because}`,
        path,
        result.at,
      );
    return fold(result.graph);
  };
  const one = bind(1);
  const batch = asked ?? (bindBatch(changed, 2).kind === "bound" ? chooseBatch(one) : 1);
  return { graph: batch === 1 ? one : bind(batch), batch, files };
}

/** Shape of one sample of the first input. */
export const inputShape = (graph: Graph): readonly number[] =>
  known(graph.inputs[0]!.shape).slice(1);
