import { fold } from "#core/compile/fold.ts";
import { chooseBatch, samplesLead } from "#core/explain/batch.ts";
import { WEIGHTS_ONLY, weightsOnly } from "#core/explain/weightLayers.ts";
import { bindBatch } from "#core/formats/batch.ts";
import type { Graph } from "#core/ir/graph.ts";
import { known } from "#core/ir/tensor.ts";
import { fail } from "#core/problem.ts";
import { macs } from "#core/prune/cost.ts";
import { readModelOf } from "../files/openModel.ts";

export interface Bound {
  readonly graph: Graph;
  readonly batch: number;
  /** Everything it was read from. */
  readonly files: readonly string[];
  /** Multiply–accumulates for one sample. */
  readonly macs: number;
  /** The file's names of the outputs. */
  readonly outputs: readonly string[];
}

/**
 * A model read for running: weights in memory, constants folded, its batch bound to a number. Models
 * whose samples do not lead every layer (or that only take the batch they were exported with) run sample by sample.
 * @param change applied to the graph as the file has it, before anything else
 */
export async function bound(
  path: string,
  asked?: number,
  change: (graph: Graph) => Graph = (graph) => graph,
): Promise<Bound> {
  const { model, files } = await readModelOf(path);
  if (weightsOnly(model.graph)) return fail("unreadable-model", WEIGHTS_ONLY, path);
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
    for (const { node, shape } of result.graph.inputs) {
      const open = shape.find((d) => typeof d === "string");
      if (open !== undefined)
        return fail(
          "unreadable-model",
          `its input ${node.name} is [${shape.join(", ")}]: ${open} can be any length; export it with a fixed one`,
          path,
        );
    }
    return fold(result.graph);
  };
  const one = bind(1);
  const two = bindBatch(changed, 2);
  const together = two.kind === "bound" && samplesLead(one, fold(two.graph));
  const batch = asked ?? (together ? chooseBatch(one) : 1);
  if (batch > 1 && two.kind === "bound" && !together)
    return fail(
      "bad-request",
      `it runs sample by sample: its samples do not stand side by side throughout; leave the batch of ${batch} out`,
      path,
    );
  return {
    graph: batch === 1 ? one : bind(batch),
    batch,
    files,
    macs: macs(one),
    outputs: model.graph.outputs.map((v) => model.names.get(v) ?? ""),
  };
}

/** Refuses models with several inputs. */
export function oneInput({ inputs }: Graph, path: string): void {
  if (inputs.length !== 1)
    fail(
      "unreadable-model",
      `it has ${inputs.length} inputs; models with one input can be run here`,
      path,
    );
}

/** Shape of one sample of the first input. */
export const inputShape = (graph: Graph): readonly number[] =>
  known(graph.inputs[0]!.shape).slice(1);
