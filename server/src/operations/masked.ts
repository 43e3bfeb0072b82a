import type { DataSpec } from "#core/data/spec.ts";
import { fail } from "#core/problem.ts";
import type { ExactOptions } from "#core/prune/exact/compensate.ts";
import type { LayerUnits } from "#protocol/views/ranking.ts";
import type { Control, Pool } from "../compute/pool.ts";
import { maskedTask } from "../compute/tasks/masked.ts";
import { retrainedSetsTask } from "../compute/tasks/retrainedSets.ts";
import type { Engine } from "../runtime/engines.ts";

export interface MaskedRequest {
  readonly model: string;
  /** With labels. */
  readonly data: DataSpec;
  /** Units that are masked together, with all that is coupled with them; layer "" is the model's input. */
  readonly sets: readonly (readonly LayerUnits[])[];
  readonly engine?: Engine;
  readonly batch?: number;
  /** See `compensation`: redundant units are then made up for, as a prune does. */
  readonly exact?: ExactOptions;
}

export interface MaskedAccuracy {
  readonly samples: number;
  /** Share of samples classified as labelled by the model as it is. */
  readonly baseline: number;
  /** The same without each set. */
  readonly accuracy: readonly number[];
}

/**
 * Accuracy of a model without sets of units: their signals are 0 where they are summed up, which is what
 * the pruned file gives. One pass over the data for all sets. Rejects with ProblemError.
 */
export async function maskedAccuracy(
  pool: Pool,
  request: MaskedRequest,
  control: Control = {},
): Promise<MaskedAccuracy> {
  const found = await accuracyWithout(pool, request, control);
  return (
    found ??
    fail(
      "data-mismatch",
      "accuracy needs classes and labels: name labels with the data",
      request.data.data,
    )
  );
}

/** The same; undefined where the data have no labels or the model's outputs are no classes. */
export async function accuracyWithout(
  pool: Pool,
  { engine = "onnxruntime", ...given }: MaskedRequest,
  control: Control = {},
): Promise<MaskedAccuracy | undefined> {
  const { partial } = await pool.run(maskedTask, { ...given, engine }, control);
  const { labelled, baseline, correct } = partial;
  if (labelled === 0) return undefined;
  return {
    samples: labelled,
    baseline: baseline / labelled,
    accuracy: correct.map((n) => n / labelled),
  };
}

export interface RetrainedRequest extends MaskedRequest {
  /** With labels. */
  readonly train: DataSpec;
  /** At most. */
  readonly epochs: number;
  readonly seed: number;
}

/**
 * The same after the fully connected layers were trained again without each set; of a set without units
 * nothing is trained. Rejects with ProblemError.
 */
export async function retrainedAccuracy(
  pool: Pool,
  { engine = "onnxruntime", sets, ...request }: RetrainedRequest,
  control: Control = {},
): Promise<readonly number[]> {
  const { partial, info } = await pool.run(
    retrainedSetsTask,
    { ...request, sets, engine },
    control,
  );
  return partial.map((n) => n / info.samples);
}
