import type { ListingDocument } from "#core/listing/document.ts";
import { listingMessages } from "#core/listing/messages.ts";
import { describe, fail, ProblemError, problem } from "#core/problem.ts";
import { count } from "#core/report/numbers.ts";
import type { Settings } from "#protocol/requests.ts";
import type { Importance } from "#protocol/views/importance.ts";
import type { Pool } from "../compute/pool.ts";
import { stampOf } from "../files/stampOf.ts";
import type { Host } from "./host.ts";
import { Redundancies } from "./redundancies.ts";
import { computedImportance, type Question, storedImportance } from "./results.ts";
import { readModelFile, type ShowOptions, type Snapshot, show } from "./snapshot.ts";
import type { Storage } from "./storage.ts";

/** Importance that is being computed; another question about the model takes its place. */
interface Job {
  readonly question: Question;
  readonly cancel: AbortController;
  done: Promise<void>;
}

/** Versions of a listing that open editors may still show. */
const KEPT_VERSIONS = 4;

/** The models that are open: what is known of each, and what is computed for it now. */
export class Models {
  readonly #snapshots = new Map<string, Promise<Snapshot>>();
  readonly #jobs = new Map<string, Job>();
  /** The listings written of a model's last revision, newest first. */
  readonly #written = new Map<string, { revision: string; documents: ListingDocument[] }>();
  readonly #pool: Pool;
  readonly #storage: Storage;
  readonly #host: Host;
  readonly #redundancies: Redundancies;

  constructor(pool: Pool, storage: Storage, host: Host) {
    this.#pool = pool;
    this.#storage = storage;
    this.#host = host;
    this.#redundancies = new Redundancies(pool, storage, host);
  }

  /** What is known now; starts computing what is missing. Rejects with ProblemError when there is no such file. */
  async get(path: string): Promise<Snapshot> {
    const known = this.#snapshots.get(path);
    if (known !== undefined) {
      const snapshot = await known.catch(() => undefined);
      const now = await stampOf(path).catch(() => undefined);
      if (snapshot !== undefined && snapshot.stamp === now?.stamp) return snapshot;
      if (this.#snapshots.get(path) !== known) return this.get(path);
    }
    const reading = this.#read(path);
    this.#snapshots.set(path, reading);
    reading.catch((error: unknown) => {
      if (this.#snapshots.get(path) !== reading) return;
      this.#snapshots.delete(path);
      this.#stop(path);
      this.#host.status({ model: path, state: "failed", detail: describe(problemOf(error, path)) });
    });
    return reading;
  }

  /** The snapshot if it is there already: what hovers and code actions answer from. */
  peek(path: string): Promise<Snapshot> | undefined {
    return this.#snapshots.get(path);
  }

  /** Forgets what was read, after a change of the file, of kaibo.json or of settings. */
  invalidate(path?: string): void {
    for (const key of path === undefined ? [...this.#snapshots.keys()] : [path])
      if (this.forget(key)) this.#host.changed(key);
  }

  /** Like `invalidate`, for whoever reads the model again at once. */
  forget(path: string): boolean {
    return this.#snapshots.delete(path);
  }

  /** Computes importance, also when a result is there. Resolves when done, failed or cancelled. */
  async recompute(path: string): Promise<void> {
    const snapshot = await this.get(path);
    const question = questionOf(snapshot, await this.#host.settings());
    if (question.data === undefined)
      return fail("bad-request", "there is no data for this model; name it in kaibo.json", path);
    await this.#compute(question, true);
  }

  async #read(path: string): Promise<Snapshot> {
    this.#host.status({ model: path, state: "reading", detail: "" });
    // The settings say what is read at most.
    const settings = await this.#host.settings();
    const file = await readModelFile(path);
    const question = questionOf(file, settings);
    const asks = file.view.layers.length > 0;
    const stored = asks ? await storedImportance(this.#given, question) : undefined;
    const redundancy = asks ? await this.#redundancies.stored(file) : undefined;
    const whole = redundancy === undefined ? file : { ...file, redundancy };
    const snapshot = this.#remember(
      show(whole, stored, this.#options(settings), this.#documents(file)),
    );
    const running = this.#jobs.get(path);
    // A computation that was asked for again goes on, though the stored answer is shown meanwhile.
    if (running !== undefined && !(asks && same(running.question, question))) this.#stop(path);
    if (asks && stored === undefined) void this.#compute(question, false);
    if (asks && redundancy === undefined) void this.#findRedundancy(snapshot);
    if (stored !== undefined) this.#ready(path, stored);
    else if (file.problem !== undefined)
      this.#host.status({ model: path, state: "failed", detail: describe(file.problem) });
    else if (!asks || question.data === undefined)
      this.#host.status({ model: path, state: "no-data", detail: "" });
    return snapshot;
  }

  #compute(question: Question, force: boolean): Promise<void> {
    const { path } = question;
    const running = this.#jobs.get(path);
    if (running !== undefined && !force && same(running.question, question)) return running.done;
    this.#stop(path);
    const job: Job = { question, cancel: new AbortController(), done: Promise.resolve() };
    this.#jobs.set(path, job);
    job.done = this.#run(job);
    return job.done;
  }

  async #run(job: Job): Promise<void> {
    const { question, cancel } = job;
    const { path } = question;
    try {
      await this.#store(job, await computedImportance(this.#given, question, cancel.signal));
    } catch (error) {
      // Another question took its place: nobody waits for this answer.
      if (this.#jobs.get(path) === job) await this.#failed(path, error);
    } finally {
      if (this.#jobs.get(path) === job) this.#jobs.delete(path);
    }
  }

  /** Findings alone change by it, not the listing. */
  async #findRedundancy({ path, revision }: Snapshot): Promise<void> {
    const found = await this.#redundancies.find({ path, revision }, this.#jobs.get(path)?.done);
    const options = this.#options(await this.#host.settings());
    const current = await this.#current(path);
    if (found === undefined || current?.revision !== revision) return;
    const { document, earlier } = current;
    const shown = show({ ...current, redundancy: found }, current.importance, options);
    this.#snapshots.set(path, Promise.resolve({ ...shown, document, earlier }));
    this.#host.found(path);
  }

  #stop(path: string): void {
    this.#jobs.get(path)?.cancel.abort();
    this.#jobs.delete(path);
  }

  async #store(job: Job, importance: Importance): Promise<void> {
    const { path } = job.question;
    const options = this.#options(await this.#host.settings());
    const current = await this.#current(path);
    if (current === undefined || this.#jobs.get(path) !== job) return;
    const { failure, ...before } = current;
    const shown = show(before, importance, options, this.#documents(current));
    const mtime = Math.max(Date.now(), current.mtime + 1);
    this.#snapshots.set(path, Promise.resolve(this.#remember({ ...shown, mtime })));
    this.#ready(path, importance);
    this.#host.changed(path);
  }

  #ready(path: string, { data, samples, accuracy }: Importance): void {
    if (data === "") {
      this.#host.status({ model: path, state: "no-data", detail: "" });
      return;
    }
    const texts = listingMessages(this.#host.locale);
    const parts = [texts.samples(count(samples))];
    if (accuracy !== undefined) parts.push(texts.accuracy(accuracy.toFixed(4)));
    this.#host.status({ model: path, state: "ready", detail: parts.join("; ") });
  }

  get #given() {
    return { pool: this.#pool, storage: this.#storage, host: this.#host };
  }

  async #failed(path: string, error: unknown): Promise<void> {
    const failure = problemOf(error, path);
    this.#host.log(`importance of ${path}: ${describe(failure)}`);
    const current = await this.#current(path);
    if (current !== undefined && failure.code !== "cancelled") {
      this.#snapshots.set(path, Promise.resolve({ ...current, failure }));
      this.#host.failed(path);
    }
    this.#host.status({ model: path, state: "failed", detail: describe(failure) });
  }

  /** The snapshot after whatever reading is under way. */
  async #current(path: string): Promise<Snapshot | undefined> {
    const reading = this.#snapshots.get(path);
    const current = await reading?.catch(() => undefined);
    return this.#snapshots.get(path) === reading ? current : this.#current(path);
  }

  #documents({ path, revision }: Pick<Snapshot, "path" | "revision">): readonly ListingDocument[] {
    const written = this.#written.get(path);
    return written?.revision === revision ? written.documents : [];
  }

  /** Editors go on showing what was written before: their edits are read against that. */
  #remember(snapshot: Snapshot): Snapshot {
    const { path, revision, document, earlier } = snapshot;
    const others = earlier.filter(({ text }) => text !== document.text);
    const documents = [document, ...others].slice(0, KEPT_VERSIONS);
    this.#written.set(path, { revision, documents });
    return { ...snapshot, earlier: documents.slice(1) };
  }

  #options({ lowImportance, findings }: Settings): ShowOptions {
    return { locale: this.#host.locale, lowImportance, levels: findings };
  }
}

function questionOf(
  { path, revision, view, config }: Pick<Snapshot, "path" | "revision" | "view" | "config">,
  { sampleLimit, engine }: Settings,
): Question {
  const base = { path, revision, title: view.name, engine };
  if (config?.data === undefined) return base;
  return { ...base, data: sampleLimit > 0 ? { ...config.data, limit: sampleLimit } : config.data };
}

const same = (a: Question, b: Question): boolean => JSON.stringify(a) === JSON.stringify(b);

const problemOf = (error: unknown, path: string) =>
  error instanceof ProblemError
    ? error.problem
    : problem("compute-failed", error instanceof Error ? error.message : String(error), path);

export const listingOf = ({ document, revision, mtime }: Snapshot) => ({
  text: document.text,
  revision,
  mtime,
});
