import type { DataSpec } from "#core/data/spec.ts";
import { defined } from "#core/defined.ts";
import type { Writing } from "#core/formats/edits.ts";
import type { UnitSet } from "#core/prune/plan.ts";
import { unitsOf } from "#core/prune/ranking/rank.ts";
import { roundKept } from "#core/prune/ranking/select.ts";
import type { Latency, PruneCost, Rounded } from "#protocol/views/cost.ts";
import type { LayerUnits, UnitRanking } from "#protocol/views/ranking.ts";
import type { Control, Pool } from "../compute/pool.ts";
import { openModel } from "../files/openModel.ts";
import type { Engine } from "../runtime/engines.ts";
import { type Cut, cutUnits } from "./cut.ts";
import { isFaster, measureLatency } from "./latency.ts";
import { accuracyWithout } from "./masked.ts";
import { phases } from "./phases.ts";
import { layerWidths, rankUnits } from "./rank.ts";
import { compensation } from "./redundancy.ts";

export interface CostRequest {
  readonly model: string;
  readonly units: readonly UnitSet[];
  /** For accuracy. */
  readonly data?: DataSpec;
  readonly engine?: Engine;
}

/** Widths that engines run fastest. */
const MULTIPLES = [8, 16];

/** What a prune would cost and gain: nothing is written. Rejects with ProblemError. */
export async function pruneCost(
  pool: Pool,
  { model, units, data, engine }: CostRequest,
  control: Control = {},
): Promise<PruneCost> {
  const chosen = defined({ engine });
  const [first, second, third] = phases(control, 3);
  const { writings, exact } = await compensation(pool, model, units, first);
  const { plan, sizes } = await planned(model, units, writings);
  const { removed } = plan;
  const accuracy =
    data === undefined
      ? undefined
      : await accuracyWithout(pool, { model, data, sets: [removed], exact, ...chosen }, second);
  return {
    removed,
    ...(accuracy === undefined
      ? {}
      : { accuracy: { before: accuracy.baseline, after: accuracy.accuracy[0]! } }),
    ...sizes,
    ...(await speedOf(pool, { model, removed, ...chosen }, third)),
  };
}

export interface SpeedRequest {
  readonly model: string;
  /** All units that go, coupled ones among them. */
  readonly removed: readonly LayerUnits[];
  readonly engine?: Engine;
}

/** Latency without the units, and without fewer of them where that is faster. */
export async function speedOf(
  pool: Pool,
  { model, removed, engine }: SpeedRequest,
  control: Control = {},
): Promise<Pick<PruneCost, "latency" | "rounded">> {
  const ranking = await rankUnits(pool, { model, criterion: "weight-norm", scope: "global" });
  const widths = await layerWidths(model);
  const others = MULTIPLES.flatMap((multiple) => {
    const rounded = roundedTo(multiple, removed, ranking, widths);
    return rounded === undefined ? [] : [{ multiple, removed: rounded }];
  });
  const variants = [removed, ...others.map((o) => o.removed)];
  const [latency, ...rounded] = await measureLatency(
    pool,
    { model, variants, ...defined({ engine }) },
    control,
  );
  if (latency === undefined) return {};
  const best = fastest(
    latency,
    others.map((o, i) => ({ ...o, latency: rounded[i]! })),
  );
  return { latency, ...defined({ rounded: best }) };
}

async function planned(
  model: string,
  units: readonly UnitSet[],
  writings: readonly Writing[],
): Promise<Pick<Cut, "plan" | "sizes">> {
  const opened = await openModel(model);
  try {
    return await cutUnits(opened, model, units, writings);
  } finally {
    await opened.close();
  }
}

/** Fewer units (those with the largest weights stay), so that what is left has a width that engines run fast; undefined where that is no other prune. */
function roundedTo(
  multiple: number,
  removed: readonly LayerUnits[],
  ranking: UnitRanking,
  widths: ReadonlyMap<string, number>,
): readonly LayerUnits[] | undefined {
  const gone = new Map(removed.map(({ layer, units }) => [layer, new Set(units)]));
  const going = ranking.groups.filter(({ members }) =>
    members.every(({ layer, units }) => units.every((u) => gone.get(layer)?.has(u))),
  );
  const rounded = unitsOf(roundKept(going, widths, multiple));
  const count = (sets: readonly LayerUnits[]) => sets.reduce((n, { units }) => n + units.length, 0);
  return rounded.length === 0 || count(rounded) === count(removed) ? undefined : rounded;
}

/** The fastest, where it is faster than the prune that was asked for. */
function fastest(asked: Latency, rounded: readonly Rounded[]): Rounded | undefined {
  const [best] = rounded.toSorted((a, b) => a.latency.after - b.latency.after);
  return best !== undefined && isFaster(against(asked, best.latency)) ? best : undefined;
}

/** The second of two prunes, compared with the first instead of with the model as it is. */
const against = (first: Latency, second: Latency): Latency => ({
  ...second,
  before: first.after,
  best: { before: first.best.after, after: second.best.after },
});
