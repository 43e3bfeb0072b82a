import { fold } from "#core/compile/fold.ts";
import { defined } from "#core/defined.ts";
import { chooseBatch, samplesLead } from "#core/explain/batch.ts";
import { WEIGHTS_ONLY, weightsOnly } from "#core/explain/weightLayers.ts";
import { bindBatch } from "#core/formats/batch.ts";
import type { Graph } from "#core/ir/graph.ts";
import { fail, type Problem } from "#core/problem.ts";
import { macs } from "#core/prune/cost.ts";
import { type ReadModel, readModelOf } from "../files/openModel.ts";

export interface Bound {
  readonly graph: Graph;
  readonly batch: number;
  /** Everything it was read from. */
  readonly files: readonly string[];
  /** Multiply–accumulates for one sample. */
  readonly macs: number;
  /** The file's names of the model's own outputs, which are the first ones of the graph. */
  readonly outputs: readonly string[];
  /** What could not be read: the graph ends before it. */
  readonly unread?: Problem;
}

/**
 * A model read for running: weights in memory, constants folded, its batch bound to a number. Models
 * whose samples do not lead every layer (or that only take the batch they were exported with) run sample by sample.
 * @param change applied to the graph as the file has it, before anything else
 */
export const bound = async (
  path: string,
  asked?: number,
  change: (graph: Graph) => Graph = (graph) => graph,
): Promise<Bound> => bind(path, await readModelOf(path), asked, change);

/** The same of whatever could be read of a model. */
export const boundPart = async (path: string, asked?: number): Promise<Bound> =>
  bind(path, await readModelOf(path, true), asked, (graph) => graph);

function bind(
  path: string,
  { model, files, unread }: ReadModel,
  asked: number | undefined,
  change: (graph: Graph) => Graph,
): Bound {
  if (weightsOnly(model.graph)) return fail("unreadable-model", WEIGHTS_ONLY, path);
  const changed = change(model.graph);
  const own = model.ownOutputs ?? model.graph.outputs.length;
  const bindTo = (batch: number): Graph => {
    const result = bindBatch(changed, batch, own);
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
  const one = bindTo(1);
  const two = bindBatch(changed, 2, own);
  const together = two.kind === "bound" && samplesLead(one, fold(two.graph));
  const batch = asked ?? (together ? chooseBatch(one) : 1);
  if (batch > 1 && two.kind === "bound" && !together)
    return fail(
      "bad-request",
      `it runs sample by sample: its samples do not stand side by side throughout; leave the batch of ${batch} out`,
      path,
    );
  return {
    graph: batch === 1 ? one : bindTo(batch),
    batch,
    files,
    macs: macs(one),
    outputs: model.graph.outputs.slice(0, own).map((v) => model.names.get(v) ?? ""),
    ...defined({ unread }),
  };
}
