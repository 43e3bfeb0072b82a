import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import type { DataSpec } from "#core/data/spec.ts";
import { defined } from "#core/defined.ts";
import { fail, ProblemError } from "#core/problem.ts";
import type { TrainOptions } from "#core/train/trainer.ts";
import type { BeforeAfter } from "#protocol/views/cost.ts";
import type { ImportanceIndex } from "#protocol/views/importance.ts";
import type { Criterion, LayerUnits } from "#protocol/views/ranking.ts";
import type { Control, Pool } from "../compute/pool.ts";
import { openModel } from "../files/openModel.ts";
import { hashFile, replaceFile, withFiles } from "../files/replaceFile.ts";
import type { Engine } from "../runtime/engines.ts";
import { accuracyWithout } from "./masked.ts";
import type { PruneRetrained } from "./pruneRetrain.ts";
import { ROUNDING, Search } from "./smallestSearch.ts";

export interface SmallestRequest {
  readonly model: string;
  /** Where the smallest model goes; may be `model` itself. */
  readonly output: string;
  /** With labels: the accuracy that must be kept is measured on it. */
  readonly data: DataSpec;
  /** With labels: units are ranked on it, and what is left is trained on it. */
  readonly train: DataSpec;
  /** The accuracy to keep: as a share of the model's own, or where it is `absolute` as it is. */
  readonly keep: number;
  readonly absolute?: boolean;
  /** Layers that lose units; all when absent. */
  readonly layers?: readonly string[];
  readonly criterion?: Criterion;
  readonly index?: ImportanceIndex;
  /** Of each try; all weights and 3 epochs when absent. */
  readonly training?: Partial<TrainOptions>;
  /** Samples in one training step. */
  readonly batch?: number;
  /** Models that are made and trained at most. */
  readonly tries?: number;
  readonly engine?: Engine;
}

/** One model that was made and trained. */
export interface Try {
  /** The layer that lost units; absent where all did. */
  readonly layer?: string;
  /** Units that its layers were left with, by name. */
  readonly widths: Readonly<Record<string, number>>;
  readonly parameters: number;
  readonly macs: number;
  /** Before it was trained, and after. */
  readonly accuracy: PruneRetrained["accuracy"];
  readonly enough: boolean;
  readonly seconds: number;
}

export interface SmallestReport {
  readonly output: string;
  /** Units of the layers that could lose some, in the order of the model. */
  readonly layers: readonly ({ readonly layer: string } & BeforeAfter)[];
  /** By their numbers in the model as it was. */
  readonly removed: readonly LayerUnits[];
  readonly accuracy: BeforeAfter;
  /** The accuracy that had to be kept. */
  readonly least: number;
  readonly samples: number;
  readonly parameters: BeforeAfter;
  readonly macs: BeforeAfter;
  readonly bytes: BeforeAfter;
  readonly tries: readonly Try[];
  /** Tries that could not be made, and why. */
  readonly refused: readonly { readonly layer?: string; readonly because: string }[];
  /** "narrowest": no layer can lose more; "tries": there were no more. */
  readonly ended: "narrowest" | "tries" | "cancelled";
  readonly engine: string;
  readonly seconds: number;
}

export interface SmallestControl extends Control {
  /** After each try. */
  tried?(made: Try): void;
}

/**
 * Looks for the smallest network that keeps the accuracy (Suzuki: the smallest numbers of filters): units
 * that matter least are cut out, what is left is trained, and where that is enough the units of the result
 * are ranked anew and more go; see `Search`. The same question has the same answer. Cancelled, it
 * writes the smallest so far. Rejects with ProblemError, also where nothing can go: then nothing is written.
 */
export async function smallest(
  pool: Pool,
  request: SmallestRequest,
  control: SmallestControl = {},
): Promise<SmallestReport> {
  const started = performance.now();
  const { model, output, data, keep, absolute = false, engine } = request;
  const own = defined({ engine });
  const revision = await hashFile(model);
  const plain = await accuracyWithout(pool, { model, data, sets: [], ...own }, quiet(control));
  if (plain === undefined)
    return fail(
      "data-mismatch",
      "accuracy needs classes and labels: name labels with the data",
      data.data,
    );
  const least = absolute ? keep : keep * plain.baseline;
  if (least > plain.baseline + ROUNDING)
    fail("bad-request", `its accuracy is ${plain.baseline}: less than what is to be kept`, model);
  const folder = await mkdtemp(join(tmpdir(), "kaibo-smallest-"));
  try {
    const search = new Search(pool, { ...request, least, folder }, control);
    const ended = await search.run();
    const { best } = search;
    if (best === undefined)
      return fail(
        ended === "cancelled" ? "cancelled" : "cannot-prune",
        ended === "cancelled"
          ? "cancelled before a smaller model was found; nothing was written"
          : `no try keeps an accuracy of ${least.toFixed(4)}; train for more epochs, or keep less`,
        model,
      );
    // The output may be the model itself.
    const narrowed = await search.narrowed();
    await place(best.path, output, async () => {
      if ((await hashFile(model)) !== revision)
        fail("cannot-write", "the model file changed meanwhile; nothing was written", model);
    });
    return {
      output,
      ...narrowed,
      accuracy: { before: plain.baseline, after: best.accuracy.retrained },
      least,
      samples: plain.samples,
      ended,
      engine: best.engine,
      seconds: (performance.now() - started) / 1000,
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const quiet = ({ signal }: Control): Control => (signal === undefined ? {} : { signal });

/** Puts a model and the files that belong to it in their place. */
async function place(from: string, to: string, check: () => Promise<void>): Promise<void> {
  const opened = await openModel(from);
  try {
    // The file as it is, with all that it refers to.
    const { file, others = [], problems } = await opened.edit([]);
    if (file === undefined) throw new ProblemError(problems[0]!);
    await withFiles(dirname(resolve(to)), others, () => replaceFile(to, file.pieces(), check));
  } finally {
    await opened.close();
  }
}
