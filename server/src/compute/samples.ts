import type { Batch, Dataset } from "#core/data/dataset.ts";
import { type Forward, forward } from "#core/data/forward.ts";
import { limit } from "#core/data/limit.ts";
import { openDataset } from "#core/data/open.ts";
import { fitToInput, prepare } from "#core/data/preprocess.ts";
import type { DataSpec } from "#core/data/spec.ts";
import { ProblemError, problem } from "#core/problem.ts";
import { type FileSource, openFile } from "../files/fileSource.ts";

/** A dataset that goes into a model: streamed, prepared, closed at the end. */
export interface Samples {
  readonly dataset: Dataset;
  prepare(batch: Batch): Float32Array;
  /** Reads forward in batches of the model's size. */
  forward(batch: number): Forward;
  close(): Promise<void>;
}

/** Opens the data for an input of a shape (without the batch axis). Rejects with ProblemError. */
export async function openSamples(spec: DataSpec, inputShape: readonly number[]): Promise<Samples> {
  const files: FileSource[] = [];
  const close = async () => {
    for (const file of files) await file.close();
  };
  try {
    const open = async (path: string) => {
      const file = await openFile(path);
      if (file !== undefined) files.push(file);
      return file;
    };
    const { labels } = spec;
    const opened = await openDataset(spec.data, { open }, labels === undefined ? {} : { labels });
    const whole = opened.dataset;
    if (whole === undefined)
      throw new ProblemError(
        opened.problems[0] ?? problem("unreadable-data", "it holds no samples", spec.data),
      );
    const fit = fitToInput(whole.shape, inputShape, spec.preprocess, spec.data);
    if (!("kind" in fit)) throw new ProblemError(fit);
    const dataset = spec.limit === undefined ? whole : limit(whole, spec.limit);
    if (dataset.count === 0)
      throw new ProblemError(problem("unreadable-data", "it holds no samples", spec.data));
    return {
      dataset,
      prepare: (batch) => prepare(batch, fit, spec.preprocess),
      forward: (batch) => forward(dataset, batch),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
