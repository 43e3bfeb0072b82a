import type { Batch, Dataset } from "#core/data/dataset.ts";
import { type Forward, forward } from "#core/data/forward.ts";
import { limit } from "#core/data/limit.ts";
import { classMismatch, pictureKeys, rangeMismatch } from "#core/data/mismatch.ts";
import { openDataset, splitName } from "#core/data/open.ts";
import { channelsFor, fitToInput, prepare } from "#core/data/preprocess.ts";
import type { DataSpec } from "#core/data/spec.ts";
import { defined } from "#core/defined.ts";
import { fail, type Problem, ProblemError, problem } from "#core/problem.ts";
import { type FileSource, openFile } from "../files/fileSource.ts";
import { openFolder } from "../files/folder.ts";
import { limitsFor } from "../files/limits.ts";

/** A dataset that goes into a model: streamed, prepared, closed at the end. */
export interface Samples {
  readonly dataset: Dataset;
  prepare(batch: Batch): Float32Array;
  /** Reads forward in batches of the model's size; labels that the model has no output for are refused. */
  forward(batch: number, outputs: number): Forward;
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
      if (file === undefined) return undefined;
      files.push(file);
      // Messages name the file as the user did.
      return { ...file, name: path };
    };
    const { labels, preprocess } = spec;
    const { channels = channelsFor(inputShape, preprocess.crop ?? preprocess.size) } = preprocess;
    const opened = await openDataset(
      spec.data,
      { open, folder: openFolder },
      {
        pictures: { ...preprocess, channels },
        limits: limitsFor(splitName(spec.data).path),
        ...defined({ labels }),
      },
    );
    const whole = opened.dataset;
    if (whole === undefined)
      throw new ProblemError(
        opened.problems[0] ?? problem("unreadable-data", "it holds no samples", spec.data),
      );
    refuse(pictureKeys(whole, preprocess));
    const { pictures } = whole;
    const fit = fitToInput(whole.shape, inputShape, preprocess, spec.data, pictures);
    if (!("kind" in fit)) throw new ProblemError(fit);
    refuse(await rangeMismatch(whole, preprocess));
    const dataset = spec.limit === undefined ? whole : limit(whole, spec.limit);
    if (dataset.count === 0)
      throw new ProblemError(problem("unreadable-data", "it holds no samples", spec.data));
    return {
      dataset,
      prepare: (batch) => prepare(batch, fit, preprocess),
      forward(batch, outputs) {
        refuse(classMismatch(dataset, outputs));
        return labelsWithin(forward(dataset, batch), outputs, spec.data);
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function refuse(found: Problem | undefined): void {
  if (found !== undefined) throw new ProblemError(found);
}

/** A single output may be a regression or a sign: any label goes with it. */
function labelsWithin(reader: Forward, outputs: number, file: string): Forward {
  return {
    async *batches(from, to) {
      for await (const batch of reader.batches(from, to)) {
        const wrong = batch.labels?.findIndex((c) => c < 0 || c >= outputs) ?? -1;
        if (wrong >= 0 && outputs > 1)
          fail(
            "data-mismatch",
            `the label is ${batch.labels?.[wrong]}, but the model has ${outputs} outputs (classes 0 to ${outputs - 1}); name other labels or another model`,
            file,
            `sample ${batch.from + wrong}`,
          );
        yield batch;
      }
    },
    close: () => reader.close(),
  };
}
