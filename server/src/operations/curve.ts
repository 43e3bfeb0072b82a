import { basename } from "node:path";
import type { DataSpec } from "#core/data/spec.ts";
import { defined } from "#core/defined.ts";
import { fail } from "#core/problem.ts";
import { area, INPUTS, removalOrder, spread } from "#core/prune/curve/order.ts";
import { rankGroups, rankRandomly, unitsOf } from "#core/prune/ranking/rank.ts";
import type {
  RemovalCurve,
  RemovalOrder,
  RemovalPoint,
  RemovalSeries,
} from "#protocol/views/curve.ts";
import type { ImportanceIndex } from "#protocol/views/importance.ts";
import type { Criterion, RankedGroup, UnitRanking } from "#protocol/views/ranking.ts";
import type { Control, Pool } from "../compute/pool.ts";
import type { Engine } from "../runtime/engines.ts";
import { computeImportance } from "./importance.ts";
import { maskedAccuracy, retrainedAccuracy } from "./masked.ts";
import { phases } from "./phases.ts";
import { layerWidths, rankUnits } from "./rank.ts";

export interface CurveRequest {
  readonly model: string;
  /** With labels. */
  readonly data: DataSpec;
  readonly removes?: "inputs" | "units";
  /** Layers whose units are removed, ranked together; all when absent. */
  readonly layers?: readonly string[];
  readonly criterion?: Criterion;
  readonly index?: ImportanceIndex;
  /** All three when absent. */
  readonly orders?: readonly RemovalOrder[];
  /** Points of one series at most, evenly spread; every number when there are fewer. */
  readonly points?: number;
  /** Series that the random one is the mean of. */
  readonly seeds?: number;
  /** Of the first of them, and of the random criterion. */
  readonly seed?: number;
  readonly engine?: Engine;
  readonly batch?: number;
  /**
   * With labels. Each series a second time: after every removal the fully connected layers are trained
   * again on these data; a tenth is held out and decides which epoch's weights are taken.
   */
  readonly retrain?: DataSpec;
  /** Of that training, at most. */
  readonly epochs?: number;
}

export const CURVE_DEFAULTS = { points: 33, seeds: 5, seed: 1, epochs: 3 } as const;
export const ORDERS: readonly RemovalOrder[] = ["ascending", "descending", "random"];

/**
 * Accuracy against the number of groups of units (or elements of the input) that are masked: see
 * Kanadera, Figs 8, 9 and 13. Rejects with ProblemError.
 */
export async function removalCurve(
  pool: Pool,
  request: CurveRequest,
  control: Control = {},
): Promise<RemovalCurve> {
  const { model, data, engine, batch, removes = "units", criterion = "importance" } = request;
  const { orders = ORDERS, points = CURVE_DEFAULTS.points, retrain } = request;
  if (points < 2) fail("bad-request", "a curve has two points or more", model);
  const [first, second, third] = phases(control, retrain === undefined ? 2 : 3);
  const ranking = await ranked(pool, request, first!);
  const ways = orders.map((order) => ({ order, runs: runsOf(ranking, order, request) }));
  const most = Math.min(...ways.flatMap(({ runs }) => runs.map((groups) => groups.length)));
  if (!(most > 0)) {
    const [fixed] = ranking.fixed;
    fail("cannot-prune", fixed?.because ?? "no unit can be removed", model, fixed?.at);
  }
  const numbers = spread(most, points);
  // What several series lack alike is measured once.
  const sets = new Map<string, UnitRanking["groups"]>();
  const keyed = ways.map(({ order, runs }) => ({
    order,
    runs: runs.map((groups) => numbers.map((n) => noted(sets, groups.slice(0, n)))),
  }));
  const asked = {
    model,
    data,
    sets: [...sets.values()].map(unitsOf),
    ...defined({ engine, batch }),
  };
  const plain = await maskedAccuracy(pool, asked, second);
  const again =
    retrain === undefined
      ? undefined
      : await retrainedAccuracy(pool, { ...asked, ...trainingOf(request, retrain) }, third);
  const seriesBy = (accuracy: readonly number[], retrained: boolean): readonly RemovalSeries[] => {
    const of = new Map([...sets.keys()].map((key, i) => [key, accuracy[i]!]));
    return keyed.map(({ order, runs }) => {
      const found = numbers.map((n, k) =>
        pointOf(
          n,
          runs.map((run) => of.get(run[k]!)!),
        ),
      );
      return { order, retrained, points: found, area: area(found) };
    });
  };
  return {
    model: basename(model),
    data: data.data,
    samples: plain.samples,
    criterion,
    removes,
    layers: removes === "inputs" ? [] : await layersOf(request, ranking),
    ranking: removalOrder(ranking.groups, "ascending", 1, ranking.apart),
    baseline: plain.baseline,
    series: [...seriesBy(plain.accuracy, false), ...(again ? seriesBy(again, true) : [])],
  };
}

const trainingOf = ({ epochs, seed }: CurveRequest, train: DataSpec) => ({
  train,
  epochs: epochs ?? CURVE_DEFAULTS.epochs,
  seed: seed ?? CURVE_DEFAULTS.seed,
});

/** The mean over the runs, with a band where there are several. */
function pointOf(removed: number, accuracy: readonly number[]): RemovalPoint {
  const [low, high] = [Math.min(...accuracy), Math.max(...accuracy)];
  const mean = accuracy.reduce((a, b) => a + b, 0) / accuracy.length;
  // Rounding must not lead out of the band.
  const point = { removed, accuracy: Math.min(high, Math.max(low, mean)) };
  return accuracy.length > 1 ? { ...point, band: [low, high] } : point;
}

/** The orders in which the groups of a series go: one, or one for each seed. */
function runsOf(
  { groups, apart }: UnitRanking,
  order: RemovalOrder,
  { seeds = CURVE_DEFAULTS.seeds, seed = CURVE_DEFAULTS.seed }: CurveRequest,
): readonly UnitRanking["groups"][] {
  if (order !== "random") return [removalOrder(groups, order, seed, apart)];
  return Array.from({ length: seeds }, (_, k) => removalOrder(groups, order, seed + k, apart));
}

/** Its key; by what goes, not by the order in which it does. */
function noted(sets: Map<string, UnitRanking["groups"]>, groups: UnitRanking["groups"]): string {
  const names = groups.map(({ members: [first] }) => `${first!.layer}/${first!.units[0]}`);
  const key = JSON.stringify(names.sort());
  if (!sets.has(key)) sets.set(key, groups);
  return key;
}

/** In the order of the model. */
async function layersOf(
  { model, layers }: CurveRequest,
  { groups }: UnitRanking,
): Promise<readonly string[]> {
  if (layers !== undefined) return layers;
  const ranked = new Set(groups.map(({ members }) => members[0]!.layer));
  return [...(await layerWidths(model)).keys()].filter((name) => ranked.has(name));
}

async function ranked(pool: Pool, request: CurveRequest, control: Control): Promise<UnitRanking> {
  const { removes, model, data, layers, index, engine } = request;
  const { criterion = "importance", seed = CURVE_DEFAULTS.seed } = request;
  if (removes === "inputs") return rankInputs(pool, request, control);
  return rankUnits(
    pool,
    {
      model,
      data,
      criterion,
      scope: layers?.length === 1 ? "layer" : "global",
      seed,
      ...defined({ layers, index, engine }),
    },
    control,
  );
}

/** The elements of the model's input by their importance, or at random. */
async function rankInputs(
  pool: Pool,
  {
    model,
    data,
    engine,
    batch,
    criterion = "importance",
    seed = CURVE_DEFAULTS.seed,
  }: CurveRequest,
  control: Control,
): Promise<UnitRanking> {
  if (criterion !== "importance" && criterion !== "random")
    return fail("bad-request", "inputs are ranked by importance or at random", model);
  const { input } = await computeImportance(
    pool,
    {
      model,
      data,
      layers: [],
      measures: ["sigma"],
      ...defined({ engine, batch }),
    },
    control,
  );
  if (input.refused !== undefined) return fail("bad-request", input.refused, model);
  const groups = input.importance.map(
    (_, i): Pick<RankedGroup, "members"> => ({ members: [{ layer: INPUTS, units: [i] }] }),
  );
  if (criterion === "random") return rankRandomly(groups, [], { scope: "layer", seed });
  return rankGroups(groups, [], new Map([[INPUTS, input.importance]]), {
    criterion,
    scope: "layer",
  });
}
