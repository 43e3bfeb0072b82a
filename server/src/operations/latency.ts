import { median } from "#core/median.ts";
import type { UnitSet } from "#core/prune/plan.ts";
import type { Latency } from "#protocol/views/cost.ts";
import type { Control, Pool } from "../compute/pool.ts";
import { latencyTask } from "../compute/tasks/latency.ts";
import type { Engine } from "../runtime/engines.ts";

export interface LatencyRequest {
  readonly model: string;
  /** One measurement for the model without each of these. */
  readonly variants: readonly (readonly UnitSet[])[];
  readonly engine?: Engine;
}

/**
 * Milliseconds that one sample takes on this machine, before and without the units: medians over rounds in
 * which the variants take turns. Rejects with ProblemError.
 */
export async function measureLatency(
  pool: Pool,
  { model, variants, engine = "onnxruntime" }: LatencyRequest,
  control: Control = {},
): Promise<readonly Latency[]> {
  const { partial, info } = await pool.run(latencyTask, { model, variants, engine }, control);
  const [before, ...after] = (partial[0] ?? []).map((_, k) => {
    const times = partial.map((round) => round[k]!);
    return { median: median(times), best: Math.min(...times) };
  });
  return after.map((each) => ({
    before: before!.median,
    after: each.median,
    best: { before: before!.best, after: each.best },
    runs: partial.length,
    ...info,
  }));
}

/** Share of the time by which a difference is more than the noise of measuring. */
const NOTICEABLE = 0.05;

const exceeds = (a: number, b: number): boolean => a > b * (1 + NOTICEABLE);

/** By the medians and by the fastest rounds: a busy machine changes the one or the other. */
export const isSlower = ({ before, after, best }: Latency): boolean =>
  exceeds(after, before) && exceeds(best.after, best.before);

export const isFaster = ({ before, after, best }: Latency): boolean =>
  exceeds(before, after) && exceeds(best.before, best.after);
