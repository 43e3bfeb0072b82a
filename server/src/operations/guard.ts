import type { DataSpec } from "#core/data/spec.ts";
import { defined } from "#core/defined.ts";
import { removalOrder, spread } from "#core/prune/curve/order.ts";
import { unitsOf } from "#core/prune/ranking/rank.ts";
import type { RemovalPoint } from "#protocol/views/curve.ts";
import type { RankedGroup, UnitRanking } from "#protocol/views/ranking.ts";
import type { Control, Pool } from "../compute/pool.ts";
import type { Engine } from "../runtime/engines.ts";
import { maskedAccuracy } from "./masked.ts";
import { phases } from "./phases.ts";

export interface GuardRequest {
  readonly model: string;
  /** With labels. */
  readonly data: DataSpec;
  readonly ranking: UnitRanking;
  /** How much accuracy may go: 0.005 is half a point. */
  readonly drop: number;
  /** Numbers of groups measured in one pass over the data; 33. */
  readonly points?: number;
  readonly engine?: Engine;
  readonly batch?: number;
}

export interface Guarded {
  /** Groups that can go, smallest score first. */
  readonly removed: number;
  readonly groups: readonly RankedGroup[];
  readonly baseline: number;
  /** Without them. */
  readonly accuracy: number;
  /** All that was measured, ascending. */
  readonly points: readonly RemovalPoint[];
}

const POINTS = 33;
/** Accuracies are counts over samples: what they differ by is no rounding. */
const ROUNDING = 1e-9;

/**
 * As many groups as can go while accuracy stays within `drop` of the model's own. The curve need not
 * fall steadily, so this is defined by what is measured: numbers spread over all that can go, then over
 * the gap between the last that holds and the first that does not, until that gap is closed. Every number
 * measured up to the result holds. Rejects with ProblemError.
 */
export async function largestWithin(
  pool: Pool,
  request: GuardRequest,
  control: Control = {},
): Promise<Guarded> {
  const { model, data, ranking, drop, points: count = POINTS, engine, batch } = request;
  const groups = removalOrder(ranking.groups, "ascending", 1, ranking.apart);
  const passes = phases(control, passesOf(groups.length, count), { alike: true });
  const measured = new Map<number, number>();
  let baseline = 0;
  let [holds, fails] = [0, groups.length + 1];
  for (const pass of passes) {
    if (fails - holds <= 1) break;
    const numbers = spread(fails - 1 - holds, count).map((n) => holds + n);
    const fresh = numbers.filter((n) => !measured.has(n));
    const sets = fresh.map((n) => unitsOf(groups.slice(0, n)));
    const own = {
      ...defined({ engine, batch }),
    };
    const found = await maskedAccuracy(pool, { model, data, sets, ...own }, pass);
    baseline = found.baseline;
    fresh.forEach((n, i) => {
      measured.set(n, found.accuracy[i]!);
    });
    const broken = numbers.findIndex((n) => measured.get(n)! < baseline - drop - ROUNDING);
    if (broken >= 0) fails = numbers[broken]!;
    holds = numbers[(broken < 0 ? numbers.length : broken) - 1] ?? holds;
  }
  const points = [...measured].sort(([a], [b]) => a - b);
  return {
    removed: holds,
    groups: groups.slice(0, holds),
    baseline,
    accuracy: measured.get(holds) ?? baseline,
    points: points.map(([removed, accuracy]) => ({ removed, accuracy })),
  };
}

/** How often the gap is divided until it is closed. */
function passesOf(groups: number, points: number): number {
  let passes = 1;
  for (let gap = groups; gap > points - 1; gap = Math.ceil(gap / (points - 1))) passes++;
  return passes;
}
