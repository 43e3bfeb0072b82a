import { labelNames } from "#core/data/labels.ts";
import { splitName } from "#core/data/open.ts";
import type { DataSpec } from "#core/data/spec.ts";
import type { Settings } from "#protocol/requests.ts";
import type { Importance } from "#protocol/views/importance.ts";
import type { Pool } from "../compute/pool.ts";
import { hashFile } from "../files/replaceFile.ts";
import { computeImportance, weightImportance } from "../operations/importance.ts";
import type { Host } from "./host.ts";
import { resultKey, type Storage } from "./storage.ts";

/** What importance is asked for: the same question has the same answer. */
export interface Question {
  readonly path: string;
  /** Hash of the model's bytes. */
  readonly revision: string;
  /** What the progress is called. */
  readonly title: string;
  /** Absent: what the weights alone say. */
  readonly data?: DataSpec;
  readonly engine: Settings["engine"];
}

interface Given {
  readonly pool: Pool;
  readonly storage: Storage;
  readonly host: Host;
}

/** The answer that was stored before; a storage that does not work costs time, not results. */
export async function storedImportance(
  { storage, host }: Given,
  question: Question,
): Promise<Importance | undefined> {
  const found = await storage.result(await keyOf(question)).catch(unstored(host));
  return found as Importance | undefined;
}

/** Computes importance with progress, and stores it. Rejects with ProblemError. */
export async function computedImportance(
  { pool, storage, host }: Given,
  question: Question,
  signal: AbortSignal,
): Promise<Importance> {
  const { path, title, data, engine } = question;
  // The name of the answer is taken first: data that change meanwhile ask again.
  const key = await keyOf(question);
  signal.throwIfAborted();
  if (data !== undefined) host.status({ model: path, state: "computing", detail: "" });
  const result = await host.withProgress(title, (control) => {
    const signals = control.signal === undefined ? [signal] : [signal, control.signal];
    const all = { ...control, signal: AbortSignal.any(signals) };
    return data === undefined
      ? weightImportance(pool, path, all)
      : computeImportance(pool, { model: path, data, engine }, all);
  });
  await storage.storeResult(key, result).catch(unstored(host));
  return result;
}

const unstored =
  (host: Host) =>
  (error: Error): undefined => {
    host.log(`the storage of results does not work: ${error.message}`);
  };

async function keyOf({ revision, data }: Question): Promise<string> {
  if (data === undefined) return resultKey({ task: "weights", revision });
  return resultKey({ task: "importance", revision, data, hashes: await dataHashes(data) });
}

/** Of the files that the samples and labels are read from; "" where there is none. */
function dataHashes({ data, labels }: DataSpec): Promise<string[]> {
  const { path } = splitName(data);
  const beside = labels === undefined ? labelNames(path) : [labels];
  return Promise.all([path, ...beside].map((file) => hashFile(file).catch(() => "")));
}
