import { stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import type { DataSpec } from "#core/data/spec.ts";
import { WEIGHTS_ONLY, weightsOnly } from "#core/explain/weightLayers.ts";
import { bindBatch } from "#core/formats/batch.ts";
import type { EditedFile } from "#core/formats/format.ts";
import type { Model } from "#core/formats/model.ts";
import { fail, ProblemError, problem } from "#core/problem.ts";
import { macs } from "#core/prune/cost.ts";
import { type PrunePlan, planPrune, type UnitSet } from "#core/prune/plan.ts";
import type { BeforeAfter, PruneReport } from "#protocol/requests.ts";
import type { Control, Pool } from "../compute/pool.ts";
import {
  type Comparison,
  type ComparisonInfo,
  comparisonTask,
} from "../compute/tasks/comparison.ts";
import { type OpenModel, openModel } from "../files/openModel.ts";
import { hashFile, replaceFile, withFiles } from "../files/replaceFile.ts";
import { revisionOf } from "../files/revision.ts";
import type { Engine } from "../runtime/engines.ts";

export interface PruneRequest {
  readonly model: string;
  readonly units: readonly UnitSet[];
  /** Hash that the model must still have when the smaller one takes its place. */
  readonly revision?: string;
  /** Where the smaller model goes; may be `model` itself. */
  readonly output: string;
  /** For accuracy and for the check; without it the check runs on random inputs. */
  readonly data?: DataSpec;
  readonly engine?: Engine;
}

/** Largest |pruned − masked| that is rounding, as a share of the largest |output| (or of 1). */
const TOLERANCE = 1e-4;

/**
 * Removes units from a model file: plans, edits the original bytes into a temporary file, runs that
 * against the masked original, and renames it into place. Rejects with ProblemError and leaves
 * everything as it was when any of that fails.
 */
export async function prune(
  pool: Pool,
  request: PruneRequest,
  control: Control = {},
): Promise<Omit<PruneReport, "undo">> {
  const { model: path, output } = request;
  const opened = await openModel(path);
  try {
    const model = readable(opened, path);
    const plan = planned(model, request);
    const { file, others = [], model: after, problems } = await opened.edit(plan.edits);
    if (file === undefined || after === undefined)
      throw new ProblemError(
        problems[0] ?? problem("cannot-write", "the model cannot be edited", path),
      );
    const written = others.filter((o) => !(o.unchanged && sameFolder(path, output)));
    const bytes = {
      before: await totalSize(opened.files()),
      after: others.reduce((n, o) => n + o.file.size, file.size),
    };
    const comparison = await withFiles(dirname(resolve(output)), written, () =>
      write(pool, request, plan, file, opened.files().slice(1), control),
    );
    return report(output, plan, comparison, {
      parameters: { before: model.parameters, after: after.parameters },
      bytes,
      macs: { before: cost(model), after: cost(after) },
    });
  } finally {
    await opened.close();
  }
}

const sameFolder = (a: string, b: string): boolean => dirname(resolve(a)) === dirname(resolve(b));

async function totalSize(paths: readonly string[]): Promise<number> {
  let size = 0;
  for (const path of paths) size += (await stat(path)).size;
  return size;
}

function readable({ model, problems }: OpenModel, path: string): Model {
  if (model !== undefined) return model;
  throw new ProblemError(problems[0] ?? problem("unreadable-model", "it holds no graph", path));
}

function planned(model: Model, { model: path, units }: PruneRequest): PrunePlan {
  if (weightsOnly(model.graph)) return fail("cannot-prune", WEIGHTS_ONLY, path);
  const result = planPrune(model.graph, units);
  if ("plan" in result) return result.plan;
  const { because, at } = result.refusal;
  return fail("cannot-prune", because, path, at);
}

/** Writes the file; it is in place only after it ran and did what the masked original does. */
async function write(
  pool: Pool,
  { model, revision, output, data, engine = "onnxruntime" }: PruneRequest,
  { removed }: PrunePlan,
  file: EditedFile,
  beside: readonly string[],
  control: Control,
): Promise<Comparison & ComparisonInfo> {
  let comparison: (Comparison & ComparisonInfo) | undefined;
  await replaceFile(output, file.pieces(), async (temporary) => {
    const params = {
      model,
      pruned: temporary,
      removed,
      engine,
      ...(data === undefined ? {} : { data }),
    };
    const { partial, info } = await pool.run(comparisonTask, params, control);
    comparison = { ...partial, ...info };
    const { maskedDifference: difference, largest } = comparison;
    if (!(difference <= TOLERANCE * Math.max(1, largest)))
      fail(
        "cannot-write",
        `the pruned model differs from the masked one by ${difference}; nothing was written`,
        output,
      );
    if (revision !== undefined && (await revisionOf(await hashFile(model), beside)) !== revision)
      fail("cannot-write", "the model file changed meanwhile; nothing was written", model);
  });
  return comparison!;
}

function report(
  model: string,
  { removed }: PrunePlan,
  { labelled, correctBefore, correctAfter, maskedDifference, engine }: Comparison & ComparisonInfo,
  costs: { parameters: BeforeAfter; bytes: BeforeAfter; macs: BeforeAfter },
): Omit<PruneReport, "undo"> {
  const accuracy = { before: correctBefore / labelled, after: correctAfter / labelled };
  return {
    model,
    removed,
    ...(labelled > 0 ? { accuracy } : {}),
    ...costs,
    engine,
    maskedDifference,
  };
}

function cost({ graph }: Model): number {
  const one = bindBatch(graph, 1);
  return one.kind === "bound" ? macs(one.graph) : 0;
}
