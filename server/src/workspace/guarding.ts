import { fail } from "#core/problem.ts";
import type { Settings } from "#protocol/requests.ts";
import type { Control, Pool } from "../compute/pool.ts";
import { type Guarded, largestWithin } from "../operations/guard.ts";
import { phases } from "../operations/phases.ts";
import { rankUnits } from "../operations/rank.ts";
import { limitedData } from "./curves.ts";
import type { Host } from "./host.ts";
import { dataHashes } from "./results.ts";
import type { Snapshot } from "./snapshot.ts";
import { resultKey, type Storage } from "./storage.ts";

interface Given {
  readonly pool: Pool;
  readonly storage: Storage;
  readonly host: Host;
}

export interface WithinGuard {
  readonly found: Guarded;
  readonly drop: number;
}

/** How much of the models that are open can go while accuracy holds, each computed once. */
export class Guarding {
  readonly #given: Given;

  constructor(given: Given) {
    this.#given = given;
  }

  /** How much accuracy of a model may go. */
  async guardOf({ config }: Snapshot): Promise<number> {
    return config?.accuracyGuard ?? (await this.#given.host.settings()).accuracyGuard;
  }

  /**
   * As many groups of units as can go within the guard, smallest importance first. Rejects with ProblemError.
   * @param layer whose units go; all together when absent
   * @param control absent: progress is shown as the server's own
   */
  largest(snapshot: Snapshot, layer?: string, control?: Control): Promise<WithinGuard> {
    if (control !== undefined) return this.#largest(snapshot, layer, control);
    return this.#given.host.withProgress(layer ?? snapshot.view.name, (shown) =>
      this.#largest(snapshot, layer, shown),
    );
  }

  async #largest(
    snapshot: Snapshot,
    layer: string | undefined,
    control: Control,
  ): Promise<WithinGuard> {
    const { storage, host } = this.#given;
    const settings = await host.settings();
    const drop = await this.guardOf(snapshot);
    const key = await keyOf(snapshot, { layer, drop, settings });
    const unstored = (error: Error) => {
      host.log(`the storage of results does not work: ${error.message}`);
      return undefined;
    };
    const known = (await storage.result(key).catch(unstored)) as Guarded | undefined;
    if (known !== undefined) return { found: known, drop };
    const found = await this.#compute(snapshot, { layer, drop, settings }, control);
    await storage.storeResult(key, found).catch(unstored);
    return { found, drop };
  }

  async #compute(
    snapshot: Snapshot,
    { layer, drop, settings }: Asked,
    control: Control,
  ): Promise<Guarded> {
    const { pool } = this.#given;
    const { path: model, config } = snapshot;
    const { engine, sampleLimit } = settings;
    const [first, second] = phases(control, 2);
    const ranking = await rankUnits(
      pool,
      {
        model,
        data: limitedData(snapshot, sampleLimit),
        criterion: "importance",
        scope: layer === undefined ? "global" : "layer",
        engine,
        ...(layer === undefined ? {} : { layers: [layer] }),
      },
      first,
    );
    if (ranking.groups.length === 0) {
      const [fixed] = ranking.fixed;
      fail("cannot-prune", fixed?.because ?? "no unit can be removed", model, fixed?.at ?? layer);
    }
    // Accuracy is of all samples, as saving measures it.
    return largestWithin(pool, { model, data: config!.data!, ranking, drop, engine }, second);
  }
}

interface Asked {
  readonly layer: string | undefined;
  readonly drop: number;
  readonly settings: Settings;
}

async function keyOf(snapshot: Snapshot, { layer, drop, settings }: Asked): Promise<string> {
  const { revision, config } = snapshot;
  const { engine, sampleLimit } = settings;
  const ranked = limitedData(snapshot, sampleLimit);
  const hashes = await dataHashes(ranked);
  return resultKey({
    task: "guard",
    revision,
    ranked,
    measured: config?.data,
    layer,
    drop,
    engine,
    hashes,
  });
}
