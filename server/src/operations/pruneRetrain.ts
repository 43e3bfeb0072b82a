import { mkdir, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import type { DataSpec } from "#core/data/spec.ts";
import { defined } from "#core/defined.ts";
import type { UnitSet } from "#core/prune/plan.ts";
import type { TrainOptions } from "#core/train/trainer.ts";
import type { BeforeAfter } from "#protocol/views/cost.ts";
import type { LayerUnits } from "#protocol/views/ranking.ts";
import type { Control, Pool } from "../compute/pool.ts";
import type { Engine } from "../runtime/engines.ts";
import { phases } from "./phases.ts";
import { prune } from "./prune.ts";
import { retrain } from "./retrain.ts";

export interface PruneRetrainRequest {
  readonly model: string;
  readonly units: readonly UnitSet[];
  /** A folder of its own, made here: removed when that fails. */
  readonly folder: string;
  /** With labels. */
  readonly train: DataSpec;
  /** With labels: what accuracy is measured on. */
  readonly data: DataSpec;
  readonly training: TrainOptions;
  /** Samples in one training step. */
  readonly batch?: number;
  readonly engine?: Engine;
}

export interface PruneRetrained {
  /** The smaller model, under the name of the original. */
  readonly path: string;
  readonly removed: readonly LayerUnits[];
  readonly parameters: BeforeAfter;
  readonly macs: BeforeAfter;
  readonly bytes: BeforeAfter;
  readonly accuracy: { readonly pruned: number; readonly retrained: number };
  readonly engine: string;
}

/** Samples that a cut is compared on with the model it was made from. */
const CHECKED = 256;

/** Cuts units out of a model and trains what is left, into files of its own. Rejects with ProblemError. */
export async function pruneRetrain(
  pool: Pool,
  request: PruneRetrainRequest,
  control: Control = {},
): Promise<PruneRetrained> {
  const { model, units, folder, train, data, training, batch, engine } = request;
  const own = defined({ engine });
  const [first, second] = phases(control, 2);
  const name = basename(model);
  const cut = join(folder, "cut", name);
  const path = join(folder, name);
  try {
    await mkdir(join(folder, "cut"), { recursive: true });
    const checked = { ...train, limit: Math.min(train.limit ?? CHECKED, CHECKED) };
    const pruned = await prune(pool, { model, units, output: cut, data: checked, ...own }, first);
    const sizes = { ...defined({ batch }), ...own };
    const request = { ...training, ...sizes, model: cut, output: path, train, data };
    const { accuracy, engine: engineName } = await retrain(pool, request, second);
    // Training has bound the lengths that are open: where one sample cannot be told, none are counted.
    const { removed, parameters, macs = { before: 0, after: 0 }, bytes } = pruned;
    // The data have labels: the model's own accuracy was measured on them.
    const { before, after } = accuracy!;
    return {
      path,
      removed,
      parameters,
      macs,
      bytes,
      accuracy: { pruned: before, retrained: after },
      engine: engineName,
    };
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  } finally {
    await rm(join(folder, "cut"), { recursive: true, force: true });
  }
}
