import { fail } from "#core/problem.ts";
import type { PruneReport, SaveParams, SaveResult, UndoPruneParams } from "#protocol/requests.ts";
import type { Pool } from "../compute/pool.ts";
import { copyInto, hashFile } from "../files/replaceFile.ts";
import { prune } from "../operations/prune.ts";
import type { Host } from "./host.ts";
import { listingOf, type Models } from "./models.ts";
import { editOf } from "./snapshot.ts";
import type { Storage } from "./storage.ts";

/** Writes edited listings into their models, and takes that back. One at a time for a model. */
export class Prunes {
  readonly #models: Models;
  readonly #pool: Pool;
  readonly #storage: Storage;
  readonly #host: Host;
  readonly #last = new Map<string, Promise<unknown>>();
  /** What the file was after the prune that kept an original: a later change is not thrown away. */
  readonly #pruned = new Map<string, string>();

  constructor(models: Models, pool: Pool, storage: Storage, host: Host) {
    this.#models = models;
    this.#pool = pool;
    this.#storage = storage;
    this.#host = host;
  }

  /** Prunes the units whose lines are gone from an edited listing. Rejects with ProblemError. */
  save(params: SaveParams): Promise<SaveResult> {
    return this.#inTurn(params.model, () => this.#save(params));
  }

  /** Puts the original back that a prune kept. Rejects with ProblemError. */
  undo(params: UndoPruneParams): Promise<void> {
    return this.#inTurn(params.model, () => this.#undo(params));
  }

  /** Where the original is kept. */
  original({ undo }: PruneReport): string {
    return this.#storage.keptPath(undo);
  }

  async #save({ model: path, text, revision }: SaveParams): Promise<SaveResult> {
    const snapshot = await this.#models.get(path);
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
    const { engine } = await this.#host.settings();
    const data = snapshot.config?.data;
    const request = { model: path, output: path, revision, units: removed, engine };
    const report = await this.#host.withProgress(snapshot.view.name, (control) =>
      prune(this.#pool, { ...request, ...(data === undefined ? {} : { data }) }, control),
    );
    const pruned: PruneReport = { ...report, undo };
    this.#pruned.set(undo, await hashFile(path));
    this.#models.forget(path);
    return { pruned, listing: listingOf(await this.#models.get(path)) };
  }

  async #undo({ model: path, undo }: UndoPruneParams): Promise<void> {
    const now = await hashFile(path).catch(() => undefined);
    if (now === undefined || this.#pruned.get(undo) !== now)
      return fail(
        "cannot-write",
        "the model file has changed since the prune; it was left as it is",
        path,
      );
    await copyInto(await this.#storage.kept(undo), path);
    this.#pruned.delete(undo);
    this.#models.invalidate(path);
  }

  async #inTurn<T>(path: string, work: () => Promise<T>): Promise<T> {
    const mine = (this.#last.get(path) ?? Promise.resolve()).then(work, work);
    this.#last.set(path, mine);
    try {
      return await mine;
    } finally {
      if (this.#last.get(path) === mine) this.#last.delete(path);
    }
  }
}
