import { describe, ProblemError } from "#core/problem.ts";
import type { Redundancy } from "#protocol/views/redundancy.ts";
import type { Pool } from "../compute/pool.ts";
import { findRedundancy } from "../operations/redundancy.ts";
import type { Host } from "./host.ts";
import { resultKey, type Storage } from "./storage.ts";

/** A model file as it was when it was read. */
interface Asked {
  readonly path: string;
  /** Hash of the model's bytes. */
  readonly revision: string;
}

/** Looks for redundant units in the background, one search for each model; stored by content. */
export class Redundancies {
  readonly #pool: Pool;
  readonly #storage: Storage;
  readonly #host: Host;
  readonly #searches = new Map<string, { revision: string; cancel: AbortController }>();

  constructor(pool: Pool, storage: Storage, host: Host) {
    this.#pool = pool;
    this.#storage = storage;
    this.#host = host;
  }

  /** What was found before; a storage that does not work costs time, not results. */
  async stored({ revision }: Asked): Promise<Redundancy | undefined> {
    const found = await this.#storage.result(keyOf(revision)).catch((e) => this.#unstored(e));
    return found as Redundancy | undefined;
  }

  /** Searches once `after` is done, so that importance comes first; undefined: stopped, or it failed. */
  async find(
    { path, revision }: Asked,
    after: Promise<void> | undefined,
  ): Promise<Redundancy | undefined> {
    const running = this.#searches.get(path);
    if (running?.revision === revision) return undefined;
    this.stop(path);
    const search = { revision, cancel: new AbortController() };
    this.#searches.set(path, search);
    try {
      await after;
      const { signal } = search.cancel;
      if (signal.aborted) return undefined;
      const found = await findRedundancy(this.#pool, path, { signal });
      await this.#storage.storeResult(keyOf(revision), found).catch((e) => this.#unstored(e));
      return found;
    } catch (error) {
      if (!search.cancel.signal.aborted)
        this.#host.log(`redundant units of ${path}: ${messageOf(error)}`);
      return undefined;
    } finally {
      if (this.#searches.get(path) === search) this.#searches.delete(path);
    }
  }

  stop(path: string): void {
    this.#searches.get(path)?.cancel.abort();
    this.#searches.delete(path);
  }

  #unstored(error: Error): undefined {
    this.#host.log(`the storage of results does not work: ${error.message}`);
  }
}

const keyOf = (revision: string): string => resultKey({ task: "redundancy", revision });

const messageOf = (error: unknown): string =>
  error instanceof ProblemError
    ? describe(error.problem)
    : error instanceof Error
      ? error.message
      : String(error);
