import { labelNames } from "#core/data/labels.ts";
import { splitName } from "#core/data/open.ts";
import type { DataSpec } from "#core/data/spec.ts";
import type { Settings } from "#protocol/requests.ts";
import type { Importance } from "#protocol/views/importance.ts";
import type { Pool } from "../compute/pool.ts";
import { hashFile } from "../files/replaceFile.ts";
import { computeImportance } from "../operations/importance.ts";
import type { Host } from "./host.ts";
import { resultKey, type Storage } from "./storage.ts";

/** What importance is asked for: the same question has the same answer. */
export interface Question {
  readonly path: string;
  /** Hash of the model's bytes. */
  readonly revision: string;
  /** What the progress is called. */
  readonly title: string;
  readonly data: DataSpec;
  readonly engine: Settings["engine"];
}

/** Importance from the storage, else computed with progress and stored. Rejects with ProblemError. */
export async function importanceOf(
  { pool, storage, host }: { pool: Pool; storage: Storage; host: Host },
  { path, revision, title, data, engine }: Question,
  { force, signal }: { force: boolean; signal: AbortSignal },
): Promise<Importance> {
  const key = resultKey({ task: "importance", revision, data, hashes: await dataHashes(data) });
  const stored = force ? undefined : await storage.result(key).catch(unstored);
  signal.throwIfAborted();
  if (stored !== undefined) return stored as Importance;
  host.status({ model: path, state: "computing", detail: "" });
  const result = await host.withProgress(title, (control) => {
    const signals = control.signal === undefined ? [signal] : [signal, control.signal];
    return computeImportance(
      pool,
      { model: path, data, engine },
      { ...control, signal: AbortSignal.any(signals) },
    );
  });
  await storage.storeResult(key, result).catch(unstored);
  return result;

  /** A storage that does not work costs time, not results. */
  function unstored(error: Error): undefined {
    host.log(`the storage of results does not work: ${error.message}`);
  }
}

/** Of the files that the samples and labels are read from; "" where there is none. */
function dataHashes({ data, labels }: DataSpec): Promise<string[]> {
  const { path } = splitName(data);
  const beside = labels === undefined ? labelNames(path) : [labels];
  return Promise.all([path, ...beside].map((file) => hashFile(file).catch(() => "")));
}
