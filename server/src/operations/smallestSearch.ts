import { rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { defined } from "#core/defined.ts";
import { fail, ProblemError } from "#core/problem.ts";
import { type Narrower, Narrowing } from "#core/prune/ranking/narrowing.ts";
import { unitsOf } from "#core/prune/ranking/rank.ts";
import type { BeforeAfter } from "#protocol/views/cost.ts";
import type { UnitRanking } from "#protocol/views/ranking.ts";
import type { Control, Pool } from "../compute/pool.ts";
import { type PruneRetrained, pruneRetrain } from "./pruneRetrain.ts";
import { layerWidths, rankUnits } from "./rank.ts";
import type { SmallestControl, SmallestReport, SmallestRequest, Try } from "./smallest.ts";

export const SMALLEST_DEFAULTS = { tries: 24, epochs: 3 } as const;

/** Accuracies are counts over samples: what they differ by is no rounding. */
export const ROUNDING = 1e-9;
/** Samples that units are ranked on: their order is settled by then. */
const RANKED = 1000;

/** What is looked for, and where the models of the tries lie. */
export type Searched = SmallestRequest & { readonly least: number; readonly folder: string };

/** Makes models, each smaller than the last that was enough, and keeps that. */
export class Search {
  best: PruneRetrained | undefined;
  readonly #pool: Pool;
  readonly #request: Searched;
  readonly #control: SmallestControl;
  readonly #tries: Try[] = [];
  readonly #refused: { layer?: string; because: string }[] = [];
  /** What the first cut was made from. */
  #before: Pick<SmallestReport, "parameters" | "macs" | "bytes"> | undefined;
  /** For each layer the numbers that its units had in the model as it was. */
  readonly #left = new Map<string, readonly number[]>();
  /** Layers that can lose units. */
  #layers: ReadonlySet<string> = new Set();

  constructor(pool: Pool, request: Searched, control: SmallestControl) {
    this.#pool = pool;
    this.#request = request;
    this.#control = control;
  }

  async run(): Promise<SmallestReport["ended"]> {
    const { model, layers, tries = SMALLEST_DEFAULTS.tries } = this.#request;
    for (const [layer, units] of await layerWidths(model))
      this.#left.set(
        layer,
        Array.from({ length: units }, (_, u) => u),
      );
    try {
      let ranking = await this.#rank(model);
      const stuck = ranking.fixed.find((f) => layers?.includes(f.layer) ?? false);
      const refusal = stuck ?? (ranking.groups.length === 0 ? ranking.fixed[0] : undefined);
      if (refusal !== undefined) fail("cannot-prune", refusal.because, model, refusal.at);
      const narrowing = new Narrowing(ranking);
      this.#layers = new Set(ranking.groups.flatMap((g) => g.members.map((m) => m.layer)));
      for (let made = 0; made < tries; made++) {
        const next = narrowing.next(ranking);
        if (next === undefined) return "narrowest";
        const enough = await this.#try(next, made);
        narrowing.tried(next, enough);
        // A try that was cut short may still be enough.
        if (this.#control.signal?.aborted === true) return "cancelled";
        if (enough) ranking = await this.#rank(this.best!.path);
      }
      return "tries";
    } catch (error) {
      if (this.#control.signal?.aborted !== true) throw error;
      return "cancelled";
    }
  }

  /** What was removed, and what is left. */
  async narrowed(): Promise<
    Pick<
      SmallestReport,
      "layers" | "removed" | "parameters" | "macs" | "bytes" | "tries" | "refused"
    >
  > {
    const before = this.#before!;
    const { parameters, macs, bytes } = this.best!;
    const widths = await layerWidths(this.#request.model);
    const removed = [...widths].flatMap(([layer, units]) => {
      const left = new Set(this.#left.get(layer));
      const gone = Array.from({ length: units }, (_, u) => u).filter((u) => !left.has(u));
      return gone.length === 0 ? [] : [{ layer, units: gone }];
    });
    const arrow = (a: BeforeAfter, b: BeforeAfter) => ({ before: a.before, after: b.after });
    return {
      layers: [...widths]
        .filter(([layer]) => this.#layers.has(layer))
        .map(([layer, units]) => ({
          layer,
          before: units,
          after: this.#left.get(layer)!.length,
        })),
      removed,
      parameters: arrow(before.parameters, parameters),
      macs: arrow(before.macs, macs),
      bytes: arrow(before.bytes, bytes),
      tries: this.#tries,
      refused: this.#refused,
    };
  }

  #rank(model: string): Promise<UnitRanking> {
    const { train, layers, criterion = "importance", index, engine, training } = this.#request;
    const { signal } = this.#control;
    return rankUnits(
      this.#pool,
      {
        model,
        data: { ...train, limit: Math.min(train.limit ?? RANKED, RANKED) },
        criterion,
        scope: "global",
        ...defined({ layers, index, engine }),
        ...(training?.seed === undefined ? {} : { seed: training.seed }),
      },
      signal === undefined ? {} : { signal },
    );
  }

  /** Whether what is left is enough; then it is the best. */
  async #try({ layer, groups }: Narrower, number: number): Promise<boolean> {
    const { model, train, data, training, batch, engine, least, folder } = this.#request;
    const started = performance.now();
    const given = {
      ...defined({ batch, engine }),
    };
    let made: PruneRetrained;
    try {
      made = await pruneRetrain(
        this.#pool,
        {
          model: this.best?.path ?? model,
          units: unitsOf(groups),
          folder: join(folder, String(number)),
          train,
          data,
          training: { trainable: "all", epochs: SMALLEST_DEFAULTS.epochs, ...training },
          ...given,
        },
        this.#share(number),
      );
    } catch (error) {
      if (!(error instanceof ProblemError) || error.problem.code !== "cannot-prune") throw error;
      this.#refused.push({ ...defined({ layer }), because: error.message });
      return false;
    }
    const { path, accuracy, parameters, macs, removed } = made;
    const enough = accuracy.retrained >= least - ROUNDING;
    const found: Try = {
      ...defined({ layer }),
      widths: Object.fromEntries(await layerWidths(path)),
      parameters: parameters.after,
      macs: macs.after,
      accuracy,
      enough,
      seconds: (performance.now() - started) / 1000,
    };
    this.#tries.push(found);
    this.#control.tried?.(found);
    const over = enough ? this.best?.path : path;
    if (over !== undefined) await rm(dirname(over), { recursive: true, force: true });
    if (!enough) return false;
    this.#before ??= made;
    this.best = made;
    for (const { layer: name, units } of removed) {
      const gone = new Set(units);
      this.#left.set(
        name,
        this.#left.get(name)!.filter((_, u) => !gone.has(u)),
      );
    }
    return true;
  }

  /** Of the progress, what one try is of all. */
  #share(number: number): Control {
    const { signal, progress } = this.#control;
    const { tries = SMALLEST_DEFAULTS.tries } = this.#request;
    return {
      ...defined({ signal }),
      ...(progress === undefined
        ? {}
        : {
            progress: (done: number, total: number) =>
              progress(Math.round(1000 * (number + done / total)), 1000 * tries),
          }),
    };
  }
}
