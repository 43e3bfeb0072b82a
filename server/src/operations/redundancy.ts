import type { Writing } from "#core/formats/edits.ts";
import { fail } from "#core/problem.ts";
import type { ExactOptions } from "#core/prune/exact/compensate.ts";
import type { UnitSet } from "#core/prune/plan.ts";
import type { Redundancy } from "#protocol/views/redundancy.ts";
import type { Control, Pool } from "../compute/pool.ts";
import { compensationTask, redundancyTask } from "../compute/tasks/redundant.ts";

/** The units of a model file that can go without a change of its outputs. Rejects with ProblemError. */
export async function findRedundancy(
  pool: Pool,
  model: string,
  control: Control = {},
): Promise<Redundancy> {
  return (await pool.run(redundancyTask, { model }, control)).partial;
}

/** Those that go together, as `planPrune` takes them; fails where there is none. */
export async function redundantUnits(
  pool: Pool,
  model: string,
  control: Control = {},
): Promise<readonly UnitSet[]> {
  const units = unitsIn(await findRedundancy(pool, model, control));
  if (units.length === 0)
    fail("cannot-prune", "no unit of it can go without a change of its outputs", model);
  return units;
}

export const unitsIn = ({ layers }: Redundancy): readonly UnitSet[] =>
  layers.flatMap(({ name, redundant }) => {
    const units = redundant.filter((r) => r.obstacle === undefined).map((r) => r.unit);
    return units.length === 0 ? [] : [{ layer: name, units }];
  });

export interface Compensation {
  readonly writings: readonly Writing[];
  /** With which `planPrune` leaves the same masks. */
  readonly exact: ExactOptions;
}

/** New weights that take over what the units give, where another unit gives it too or it is constant. */
export async function compensation(
  pool: Pool,
  model: string,
  units: readonly UnitSet[],
  control: Control = {},
): Promise<Compensation> {
  const { partial, info } = await pool.run(compensationTask, { model, units }, control);
  return { writings: partial, exact: info };
}
