import { defined } from "#core/defined.ts";
import { fail } from "#core/problem.ts";
import type {
  ListingParams,
  PruneReport,
  SaveParams,
  SaveResult,
  UndoPruneParams,
} from "#protocol/requests.ts";
import type { PruneCost } from "#protocol/views/cost.ts";
import type { LayerUnits } from "#protocol/views/ranking.ts";
import type { Pool } from "../compute/pool.ts";
import { copyInto, hashFile } from "../files/replaceFile.ts";
import { pruneCost } from "../operations/cost.ts";
import { prune } from "../operations/prune.ts";
import { acceptance } from "./acceptance.ts";
import type { Host } from "./host.ts";
import { listingOf, type Models } from "./models.ts";
import type { Change } from "./originals.ts";
import { editOf, type Snapshot } from "./snapshot.ts";
import type { Storage } from "./storage.ts";

/** Writes edited listings into their models, and takes that back. One at a time for a model. */
export class Prunes {
  readonly #models: Models;
  readonly #pool: Pool;
  readonly #storage: Storage;
  readonly #host: Host;
  readonly #last = new Map<string, Promise<unknown>>();

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

  /** What a prune would cost, with progress. Rejects with ProblemError. */
  async cost({ path, view, config }: Snapshot, units: readonly LayerUnits[]): Promise<PruneCost> {
    const { engine } = await this.#host.settings();
    const data = config?.data;
    const request = { model: path, units, engine, ...defined({ data }) };
    return this.#host.withProgress(view.name, (control) => pruneCost(this.#pool, request, control));
  }

  /**
   * Lets other work change a model file, with the original kept: its name, where the file is another now.
   * Rejects as the work does.
   */
  changing<T>(
    model: string,
    work: () => Promise<T>,
  ): Promise<{ readonly result: T; readonly undo?: string }> {
    return this.#inTurn(model, async () => {
      const { originals } = this.#storage;
      const undo = await originals.keep(model);
      const result = await work();
      const became = await hashFile(model);
      if (became === undo) return { result };
      await originals.replaced(model, { original: undo, became, time: Date.now() });
      return { result, undo };
    });
  }

  /** Puts the original back that a prune kept. Rejects with ProblemError. */
  undo(params: UndoPruneParams): Promise<void> {
    return this.#inTurn(params.model, () => this.#undo(params));
  }

  /** Puts back what the model was before the first prune. Rejects with ProblemError. */
  restore(params: ListingParams): Promise<void> {
    return this.#inTurn(params.model, () => this.#restore(params));
  }

  /** Since when there is an original to go back to; undefined when there is none. */
  async prunedSince(model: string): Promise<Date | undefined> {
    const [first] = await this.#storage.originals.changes(model);
    return first && new Date(first.time);
  }

  /** Where the original is kept. */
  original({ undo }: PruneReport): string {
    return this.#storage.originals.path(undo);
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
    const undo = await this.#storage.originals.keep(path);
    const settings = await this.#host.settings();
    const { engine } = settings;
    const data = snapshot.config?.data;
    const guard = snapshot.config?.accuracyGuard ?? settings.accuracyGuard;
    const request = { model: path, output: path, revision, units: removed, engine };
    const accept = acceptance(this.#host, settings, path, guard);
    const report = await this.#host.withProgress(snapshot.view.name, (control) =>
      prune(
        this.#pool,
        {
          ...request,
          ...defined({ data, accept }),
        },
        control,
      ),
    );
    const pruned: PruneReport = { ...report, undo };
    const change = { original: undo, became: await hashFile(path), time: Date.now() };
    await this.#storage.originals.replaced(path, change);
    this.#models.forget(path);
    return { pruned, listing: listingOf(await this.#models.get(path)) };
  }

  /** @param undo the kept original to go back to; the newest when absent */
  async #undo({ model, undo }: UndoPruneParams): Promise<void> {
    const changes = await this.#storage.originals.changes(model);
    const place = changes.findLastIndex((c) => undo === undefined || c.original === undo);
    await this.#goBack(model, changes, place);
  }

  async #restore({ model }: ListingParams): Promise<void> {
    await this.#goBack(model, await this.#storage.originals.changes(model), 0);
  }

  async #goBack(path: string, changes: readonly Change[], place: number): Promise<void> {
    const { originals } = this.#storage;
    const now = await hashFile(path).catch(() => undefined);
    const change = changes[place];
    if (change === undefined)
      return fail("bad-request", "no original of it is kept: nothing was changed", path);
    if (now !== changes.at(-1)?.became)
      return fail(
        "cannot-write",
        `the model file has changed since then; it was left as it is (the original is ${originals.path(change.original)})`,
        path,
      );
    await copyInto(await originals.kept(change.original), path);
    await originals.forget(path, place);
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
