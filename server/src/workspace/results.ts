import { resolve } from "node:path";
import { labelNames } from "#core/data/labels.ts";
import { splitName } from "#core/data/open.ts";
import type { DataSpec } from "#core/data/spec.ts";
import type { Settings } from "#protocol/requests.ts";
import type { Importance } from "#protocol/views/importance.ts";
import type { Pool } from "../compute/pool.ts";
import { openFolder, stampFolder } from "../files/folder.ts";
import { hashFile } from "../files/replaceFile.ts";
import { stampOf } from "../files/stampOf.ts";
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
    const checkpoint = storage.checkpoint(key);
    const all = { ...control, signal: AbortSignal.any(signals), checkpoint };
    return data === undefined
      ? weightImportance(pool, path, { ...control, signal: all.signal })
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

async function keyOf({ revision, data, engine }: Question): Promise<string> {
  if (data === undefined) return resultKey({ task: "weights", revision });
  return resultKey({ task: "importance", revision, data, engine, hashes: await dataHashes(data) });
}

/** Of a request, its options and its files as long as nobody writes them: nothing is read. */
export async function unchangedKey(request: {
  readonly model: string;
  readonly data: DataSpec;
}): Promise<string> {
  const { model, data } = request;
  const files = [model, ...dataFiles(data)].map((file) => resolve(file));
  const stamps = await Promise.all(files.map((file) => unchanged(file).catch(() => "")));
  return resultKey({ task: "importance", request, files, stamps });
}

async function unchanged(path: string): Promise<string> {
  const folder = await openFolder(path);
  return folder === undefined ? (await stampOf(path)).stamp : stampFolder(folder);
}

async function contentHash(path: string): Promise<string> {
  const folder = await openFolder(path);
  return folder === undefined ? hashFile(path) : stampFolder(folder);
}

/** Of the files that the samples and labels are read from; "" where there is none. */
export const dataHashes = (data: DataSpec): Promise<string[]> =>
  Promise.all(dataFiles(data).map((file) => contentHash(file).catch(() => "")));

function dataFiles({ data, labels }: DataSpec): readonly string[] {
  const { path } = splitName(data);
  return [path, ...(labels === undefined ? labelNames(path) : [labels])];
}
