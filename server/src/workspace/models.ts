import { describe, fail, ProblemError, problem } from "#core/problem.ts";
import type {
  ModelStatusParams,
  PruneReport,
  SaveParams,
  SaveResult,
  Settings,
  UndoPruneParams,
} from "#protocol/requests.ts";
import type { Importance } from "#protocol/views/importance.ts";
import type { Control, Pool } from "../compute/pool.ts";
import { copyInto, hashFile } from "../files/replaceFile.ts";
import { computeImportance } from "../operations/importance.ts";
import { prune } from "../operations/prune.ts";
import {
  editOf,
  readModelFile,
  type ShowOptions,
  type Snapshot,
  show,
  stampOf,
} from "./snapshot.ts";
import { resultKey, type Storage } from "./storage.ts";

/** What the models need of the editor. */
export interface Host {
  settings(): Promise<Settings>;
  readonly locale: string;
  changed(path: string): void;
  status(status: ModelStatusParams): void;
  /** Runs work with progress that can be cancelled. */
  withProgress<T>(title: string, work: (control: Control) => Promise<T>): Promise<T>;
  log(text: string): void;
}

/** The models that are open: what is known of each, and what is computed for it now. */
export class Models {
  readonly #snapshots = new Map<string, Promise<Snapshot>>();
  readonly #computing = new Map<
    string,
    { revision: string; done: Promise<void>; cancel: AbortController }
  >();
  readonly #pool: Pool;
  readonly #storage: Storage;
  readonly #host: Host;

  constructor(pool: Pool, storage: Storage, host: Host) {
    this.#pool = pool;
    this.#storage = storage;
    this.#host = host;
  }

  /** What is known now; starts computing what is missing. Rejects when there is no such file. */
  async get(path: string): Promise<Snapshot> {
    const known = this.#snapshots.get(path);
    if (known !== undefined) {
      const snapshot = await known.catch(() => undefined);
      if (snapshot !== undefined && snapshot.stamp === (await stampOf(path)).stamp) return snapshot;
      if (this.#snapshots.get(path) !== known) return this.get(path);
    }
    const reading = this.#read(path);
    this.#snapshots.set(path, reading);
    reading.catch(() => this.#snapshots.delete(path));
    return reading;
  }

  /** The snapshot if it is there already: what hovers and code actions answer from. */
  peek(path: string): Promise<Snapshot> | undefined {
    return this.#snapshots.get(path);
  }

  /** Forgets what was read, after a change of the file, of kaibo.json or of settings. */
  invalidate(path?: string): void {
    for (const key of path === undefined ? [...this.#snapshots.keys()] : [path]) {
      if (!this.#snapshots.delete(key)) continue;
      this.#host.changed(key);
    }
  }

  async #read(path: string): Promise<Snapshot> {
    this.#host.status({ model: path, state: "reading", detail: "" });
    const file = await readModelFile(path);
    const options = await this.#showOptions();
    const data = file.config?.data;
    if (data === undefined || file.view.layers.length === 0) {
      const snapshot = show(file, undefined, options);
      const [first] = snapshot.view.problems;
      if (file.problem !== undefined)
        this.#host.status({ model: path, state: "failed", detail: first ?? "" });
      else this.#host.status({ model: path, state: "no-data", detail: "" });
      return snapshot;
    }
    const snapshot = show(file, undefined, options);
    void this.#compute(snapshot, false);
    return snapshot;
  }

  /** Computes importance, also when a result is there. Resolves when done, failed or cancelled. */
  async recompute(path: string): Promise<void> {
    const snapshot = await this.get(path);
    if (snapshot.config?.data === undefined)
      return fail("bad-request", "there is no data for this model; name it in kaibo.json", path);
    await this.#compute(snapshot, true);
  }

  #compute(snapshot: Snapshot, force: boolean): Promise<void> {
    const { path, revision } = snapshot;
    const running = this.#computing.get(path);
    if (running !== undefined && running.revision === revision && !force) return running.done;
    running?.cancel.abort();
    const cancel = new AbortController();
    const entry = { revision, cancel, done: Promise.resolve() };
    entry.done = this.#importance(snapshot, force, cancel.signal)
      .then(
        (result) => this.#store(snapshot, result),
        (error: unknown) => this.#failed(path, error),
      )
      .finally(() => {
        if (this.#computing.get(path) === entry) this.#computing.delete(path);
      });
    this.#computing.set(path, entry);
    return entry.done;
  }

  async #importance(
    { path, revision, config, view }: Snapshot,
    force: boolean,
    signal: AbortSignal,
  ): Promise<Importance> {
    const settings = await this.#host.settings();
    const spec = config?.data;
    if (spec === undefined) throw new Error("no data");
    const { sampleLimit } = settings;
    const data = sampleLimit > 0 ? { ...spec, limit: sampleLimit } : spec;
    const files = [
      spec.data.replace(/#.*$/, ""),
      ...(spec.labels === undefined ? [] : [spec.labels]),
    ];
    const hashes = await Promise.all(files.map((f) => hashFile(f).catch(() => "")));
    const key = resultKey({ revision, data, hashes, task: "importance" });
    const stored = force ? undefined : await this.#storage.result(key);
    if (stored !== undefined) return stored as Importance;
    this.#host.status({ model: path, state: "computing", detail: "" });
    const result = await this.#host.withProgress(view.name, (control) => {
      const signals = [signal, ...(control.signal === undefined ? [] : [control.signal])];
      return computeImportance(
        this.#pool,
        { model: path, data, engine: settings.engine },
        { ...control, signal: AbortSignal.any(signals) },
      );
    });
    await this.#storage.storeResult(key, result);
    return result;
  }

  async #store(snapshot: Snapshot, importance: Importance): Promise<void> {
    const { path, revision } = snapshot;
    const current = await this.#snapshots.get(path);
    if (current?.revision !== revision) return;
    const now = show(
      current,
      importance,
      await this.#showOptions(),
      [current.document, ...current.earlier].slice(0, 4),
    );
    this.#snapshots.set(
      path,
      Promise.resolve({ ...now, mtime: Math.max(Date.now(), current.mtime + 1) }),
    );
    const accuracy =
      importance.accuracy === undefined ? "" : `; accuracy ${importance.accuracy.toFixed(4)}`;
    this.#host.status({
      model: path,
      state: "ready",
      detail: `${importance.samples.toLocaleString(this.#host.locale)} samples${accuracy}`,
    });
    this.#host.changed(path);
  }

  #failed(path: string, error: unknown): void {
    const what =
      error instanceof ProblemError
        ? error.problem
        : problem("compute-failed", String(error), path);
    this.#host.log(`importance of ${path}: ${describe(what)}`);
    this.#host.status({ model: path, state: "failed", detail: describe(what) });
  }

  /** Prunes the units whose lines are gone from an edited listing. */
  async save({ model: path, text, revision }: SaveParams): Promise<SaveResult> {
    const snapshot = await this.get(path);
    if (snapshot.revision !== revision)
      return fail(
        "cannot-write",
        "the model file has changed since this listing was read; reload the listing and edit it again",
        path,
      );
    const { removed, problems } = editOf(snapshot, text, this.#host.locale);
    const [first] = problems;
    if (first !== undefined)
      return fail("cannot-prune", first.message, snapshot.view.name, `line ${first.line + 1}`);
    if (removed.length === 0) return { listing: listingOf(snapshot) };
    const undo = await this.#storage.keep(path);
    const settings = await this.#host.settings();
    const data = snapshot.config?.data;
    const report = await this.#host.withProgress(snapshot.view.name, (control) =>
      prune(
        this.#pool,
        {
          model: path,
          output: path,
          units: removed,
          engine: settings.engine,
          ...(data === undefined ? {} : { data }),
        },
        control,
      ),
    );
    const pruned: PruneReport = { ...report, undo };
    this.#pruned.set(undo, await hashFile(path));
    this.#snapshots.delete(path);
    return { pruned, listing: listingOf(await this.get(path)) };
  }

  /** What the file was after the prune that kept an original: a later change is not thrown away. */
  readonly #pruned = new Map<string, string>();

  async undo({ model: path, undo }: UndoPruneParams): Promise<void> {
    if (this.#pruned.get(undo) !== (await hashFile(path)))
      return fail(
        "cannot-write",
        "the model file has changed since the prune; it was left as it is",
        path,
      );
    await copyInto(await this.#storage.kept(undo), path);
    this.#pruned.delete(undo);
    this.invalidate(path);
  }

  async #showOptions(): Promise<ShowOptions> {
    const { lowImportance, findings } = await this.#host.settings();
    return { locale: this.#host.locale, lowImportance, levels: findings };
  }
}

export const listingOf = ({ document, revision, mtime }: Snapshot) => ({
  text: document.text,
  revision,
  mtime,
});
