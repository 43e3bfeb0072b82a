import { dirname, resolve } from "node:path";
import type { DataSpec } from "#core/data/spec.ts";
import { defined } from "#core/defined.ts";
import { weightsOnly } from "#core/explain/weightLayers.ts";
import type { Writing } from "#core/formats/edits.ts";
import type { Edited } from "#core/formats/format.ts";
import { size } from "#core/ir/tensor.ts";
import { fail, type Problem, ProblemError, problem } from "#core/problem.ts";
import type { LossKind } from "#core/train/loss.ts";
import { parametersOf } from "#core/train/parameters.ts";
import type { Best, Ended, Epoch, Quality, TrainOptions } from "#core/train/trainer.ts";
import type { BeforeAfter } from "#protocol/views/cost.ts";
import type { Control, Pool } from "../compute/pool.ts";
import {
  named,
  type RetrainInfo,
  type RetrainParams,
  type RetrainState,
  retrainTask,
} from "../compute/tasks/retrain.ts";
import { type TrainedComparison, trainedTask } from "../compute/tasks/trained.ts";
import { type OpenModel, openModel } from "../files/openModel.ts";
import { hashFile, replaceFile, withFiles } from "../files/replaceFile.ts";
import type { Engine } from "../runtime/engines.ts";

export interface RetrainRequest extends TrainOptions {
  readonly model: string;
  /** Where the trained model goes; may be `model` itself. */
  readonly output: string;
  readonly train: DataSpec;
  /** Other data, or the share of the training data that is held out; 0.1 when absent. */
  readonly validation?: DataSpec | number;
  /** Accuracy before and after is measured on it. */
  readonly data?: DataSpec;
  /** Samples in one step; 64 when absent. */
  readonly batch?: number;
  readonly engine?: Engine;
}

export interface RetrainReport {
  readonly output: string;
  readonly loss: LossKind;
  readonly optimiser: string;
  /** Names of the tensors that were trained. */
  readonly parameters: readonly string[];
  /** Epoch 0 is before training. */
  readonly epochs: readonly Epoch[];
  /** The epoch whose weights were written. */
  readonly best: number;
  readonly ended: Ended | "cancelled";
  readonly samples: { readonly train: number; readonly validation: number };
  readonly validation: { readonly before: Quality; readonly after: Quality };
  /** On the data of the request, where they have labels. */
  readonly accuracy?: BeforeAfter;
  /** Largest difference of an output of the file from the trained graph. */
  readonly difference: number;
  readonly engine: string;
  readonly note?: string;
}

export interface RetrainControl extends Control {
  /** After each epoch. */
  epoch?(epoch: Epoch): void;
}

/** Largest difference between the written file and the trained graph, as a share of the largest output (or of 1). */
const TOLERANCE = 1e-5;
/** The same where the file stores a narrower type: the weights are rounded. */
const NARROW_TOLERANCE = 1e-2;
/** Samples for the check, where no data is given to measure on. */
const CHECKED = 256;

/**
 * Trains a model file further and writes the best weights into a file that is otherwise the same: into a
 * temporary one, which is run against the trained graph and then renamed into place. Cancelled, it writes
 * the best so far, and nothing when that is the model as it was. Rejects with ProblemError.
 */
export async function retrain(
  pool: Pool,
  request: RetrainRequest,
  control: RetrainControl = {},
): Promise<RetrainReport> {
  const { model: path, output, train, data, engine = "onnxruntime" } = request;
  const opened = await openModel(path);
  try {
    const revision = await hashFile(path);
    const frozen = await withoutPlace(opened, request);
    const { state, info } = await trained(pool, { ...request, engine, frozen }, control);
    const { history, best, ended } = state;
    const narrow = (opened.model?.facts.widened.length ?? 0) > 0;
    const edits = [...best.weights].map(([tensor, write]): Writing => ({ tensor, write }));
    const { file, others } = written(await opened.edit(edits), path);
    const inPlace = dirname(resolve(path)) === dirname(resolve(output));
    const needed = others.filter((o) => !(o.unchanged === true && inPlace));
    let found: TrainedComparison | undefined;
    await withFiles(dirname(resolve(output)), needed, () =>
      replaceFile(output, file.pieces(), async (temporary) => {
        const { weights } = best;
        const params = {
          model: path,
          written: temporary,
          weights,
          data: data ?? { ...train, limit: Math.min(train.limit ?? CHECKED, CHECKED) },
          engine,
        };
        found = (await pool.run(trainedTask, params)).partial;
        const { difference, largest } = found;
        const most = (narrow ? NARROW_TOLERANCE : TOLERANCE) * Math.max(1, largest);
        if (!(difference <= most))
          fail(
            "cannot-write",
            `the written model differs from the trained one by ${difference}; nothing was written`,
            output,
          );
        if ((await hashFile(path)) !== revision)
          fail("cannot-write", "the model file changed meanwhile; nothing was written", path);
      }),
    );
    const { labelled, correctBefore, correctAfter, difference } = found!;
    const note = noteOf(info, request, narrow);
    return {
      output,
      loss: info.loss,
      optimiser: request.optimiser ?? "adam",
      parameters: info.parameters,
      epochs: history,
      best: best.epoch,
      ended: ended ?? "cancelled",
      samples: info.samples,
      validation: { before: history[0]!.validation, after: best.validation },
      ...(data === undefined || labelled === 0
        ? {}
        : { accuracy: { before: correctBefore / labelled, after: correctAfter / labelled } }),
      difference,
      engine: info.engine,
      ...defined({ note }),
    };
  } finally {
    await opened.close();
  }
}

/**
 * The tensors that the file has no place for, such as scales that are 1 by the layer's definition: they
 * stay as they are. That is found out before anything is trained, and so is a file that takes no edits.
 */
async function withoutPlace(
  { model, edit }: OpenModel,
  { model: path, trainable }: RetrainRequest,
): Promise<readonly string[]> {
  if (model === undefined || weightsOnly(model.graph)) return [];
  const tensors = await named(path, () => parametersOf(model.graph, trainable));
  const blank = tensors.map(
    ({ name, tensor: { shape } }): Writing => ({
      tensor: name,
      write: new Float32Array(size(shape)),
    }),
  );
  if ((await edit(blank)).file !== undefined) return [];
  const refused: string[] = [];
  let first: Problem | undefined;
  for (const writing of blank) {
    const { file, problems } = await edit([writing]);
    if (file !== undefined) continue;
    first ??= problems[0];
    refused.push(writing.tensor);
  }
  if (refused.length === blank.length && first !== undefined) throw new ProblemError(first);
  return refused;
}

interface Outcome {
  readonly state: RetrainState & { readonly best: Best };
  readonly info: RetrainInfo;
}

/** Trains to the end, or as far as it came when it was cancelled. */
async function trained(
  pool: Pool,
  request: RetrainRequest & Pick<RetrainParams, "engine" | "frozen">,
  control: RetrainControl,
): Promise<Outcome> {
  const { output: _output, data: _data, ...params } = request;
  let last: { state: RetrainState; info: RetrainInfo } | undefined;
  let said = 0;
  const merged = (state: RetrainState, info: RetrainInfo) => {
    last = { state, info };
    for (const epoch of state.history.slice(said)) control.epoch?.(epoch);
    said = state.history.length;
  };
  const all = { ...params, batch: params.batch ?? 64, validation: params.validation ?? 0.1 };
  try {
    const { partial, info } = await pool.run(retrainTask, all, { ...control, merged });
    return { state: { ...partial, best: partial.best! }, info };
  } catch (error) {
    const best = last?.state.best;
    if (control.signal?.aborted !== true || last === undefined) throw error;
    if (best === undefined || best.epoch === 0)
      throw new ProblemError(
        problem("cancelled", "cancelled before training improved it; nothing was written", ""),
      );
    return { state: { ...last.state, best }, info: last.info };
  }
}

function written(
  { file, others = [], problems }: Edited,
  path: string,
): Required<Pick<Edited, "others">> & { readonly file: NonNullable<Edited["file"]> } {
  if (file !== undefined) return { file, others };
  throw new ProblemError(
    problems[0] ?? problem("cannot-write", "the model cannot be edited", path),
  );
}

function noteOf(
  { frozenStatistics }: RetrainInfo,
  { trainable }: RetrainRequest,
  narrow: boolean,
): string | undefined {
  const notes = [
    ...(frozenStatistics && trainable !== "head"
      ? ["the statistics of BatchNormalization stayed as they are"]
      : []),
    ...(narrow ? ["the file stores a narrower type: the weights were rounded to it"] : []),
  ];
  return notes.length === 0 ? undefined : notes.join("; ");
}
