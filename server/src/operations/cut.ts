import { stat } from "node:fs/promises";
import { defined } from "#core/defined.ts";
import { WEIGHTS_ONLY, weightsOnly } from "#core/explain/weightLayers.ts";
import type { Writing } from "#core/formats/edits.ts";
import type { EditedFile, OtherFile } from "#core/formats/format.ts";
import type { Model } from "#core/formats/model.ts";
import { fail, ProblemError, problem } from "#core/problem.ts";
import { macsOfOne } from "#core/prune/cost.ts";
import { type PrunePlan, planPrune, type UnitSet } from "#core/prune/plan.ts";
import type { BeforeAfter } from "#protocol/views/cost.ts";
import type { OpenModel } from "../files/openModel.ts";

/** A model file without some of its units: planned and edited, not yet written. */
export interface Cut {
  readonly plan: PrunePlan;
  readonly file: EditedFile;
  /** Files beside it, see `Edited`. */
  readonly others: readonly OtherFile[];
  readonly sizes: Sizes;
}

export interface Sizes {
  readonly parameters: BeforeAfter;
  /** For one sample; absent where lengths are open. */
  readonly macs?: BeforeAfter;
  /** Of the file and the files beside it. */
  readonly bytes: BeforeAfter;
}

/**
 * Rejects with ProblemError where the units cannot go.
 * @param writings new weights beside the cuts
 */
export async function cutUnits(
  opened: OpenModel,
  path: string,
  units: readonly UnitSet[],
  writings: readonly Writing[] = [],
): Promise<Cut> {
  const model = readable(opened, path);
  const plan = planned(model, path, units);
  const edits = [...plan.edits, ...writings];
  const { file, others = [], model: after, problems } = await opened.edit(edits);
  if (file === undefined || after === undefined)
    throw new ProblemError(
      problems[0] ?? problem("cannot-write", "the model cannot be edited", path),
    );
  const bytes = {
    before: await totalSize(opened.files()),
    after: others.reduce((n, o) => n + o.file.size, file.size),
  };
  const parameters = { before: model.parameters, after: after.parameters };
  const [whole, cut] = [macsOfOne(model.graph), macsOfOne(after.graph)];
  const macs = whole === undefined || cut === undefined ? undefined : { before: whole, after: cut };
  const sizes = { parameters, ...defined({ macs }), bytes };
  return { plan, file, others, sizes };
}

function readable({ model, problems }: OpenModel, path: string): Model {
  // What is written is checked by running it: all of it has to be known.
  if (model !== undefined && !model.partial) return model;
  throw new ProblemError(problems[0] ?? problem("unreadable-model", "it holds no graph", path));
}

function planned(model: Model, path: string, units: readonly UnitSet[]): PrunePlan {
  if (weightsOnly(model.graph)) return fail("cannot-prune", WEIGHTS_ONLY, path);
  const result = planPrune(model.graph, units);
  if ("plan" in result) return result.plan;
  const { because, at } = result.refusal;
  return fail("cannot-prune", because, path, at);
}

async function totalSize(paths: readonly string[]): Promise<number> {
  let size = 0;
  for (const path of paths) size += (await stat(path)).size;
  return size;
}
