import type { DataSpec } from "#core/data/spec.ts";
import { defined } from "#core/defined.ts";
import { fail } from "#core/problem.ts";
import type { RankedGroup, UnitRanking } from "#protocol/views/ranking.ts";
import { largestWithin } from "../operations/guard.ts";
import { ENGINES } from "../runtime/engines.ts";
import type { Arguments, Terminal } from "./command.ts";
import { count, list, number, oneOf, text } from "./flags.ts";
import { cliPool } from "./pool.ts";

/** How much accuracy may go, where `--guard` says so. */
export function guardOf(args: Arguments): number | undefined {
  const share = "a share of the samples from 0 to 1";
  const drop = number(args, "guard", (n) => n >= 0 && n <= 1, share);
  if (drop !== undefined && text(args, "scope") === "layer" && list(args, "layer").length !== 1)
    fail("bad-request", "--guard ranks all layers together; leave --scope layer out", "");
  return drop;
}

/** One order is searched, so several layers are ranked together. */
export const scopeOfGuard = (args: Arguments): UnitRanking["scope"] | undefined =>
  text(args, "guard") === undefined ? undefined : "global";

interface Guarding {
  readonly model: string;
  readonly data: DataSpec | undefined;
  readonly ranking: UnitRanking;
  readonly drop: number;
}

/** As many groups as keep accuracy within the drop. */
export async function guarded(
  args: Arguments,
  { model, data, ranking, drop }: Guarding,
  terminal: Terminal,
): Promise<readonly RankedGroup[]> {
  const layers = list(args, "layer");
  if (data === undefined)
    return fail("bad-request", "--guard needs data with labels: name them with --data", "");
  const engine = oneOf(args, "engine", ENGINES);
  const batch = count(args, "batch");
  const own = {
    ...defined({ engine, batch }),
  };
  const pool = cliPool(count(args, "processes"));
  const control = { signal: terminal.signal, progress: terminal.progress };
  const found = await largestWithin(pool, { model, data, ranking, drop, ...own }, control);
  if (found.groups.length > 0) return found.groups;
  const message = `no unit can go while accuracy stays within ${drop} of ${found.baseline.toFixed(4)}; allow more`;
  return fail("cannot-prune", message, model, layers.length === 1 ? layers[0] : undefined);
}
