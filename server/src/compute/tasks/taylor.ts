import type { DataSpec } from "#core/data/spec.ts";
import { addTaylor, compileTaylor, type TaylorSums } from "#core/explain/criteria/taylor.ts";
import type { Refusal, TargetFacts } from "#core/explain/importance/targets.ts";
import { type Engine, engine } from "../../runtime/engines.ts";
import { bound } from "../bound.ts";
import { openInputs } from "../inputs.ts";
import type { Task } from "../task.ts";

export interface TaylorParams {
  readonly model: string;
  /** With labels. */
  readonly data: DataSpec;
  readonly layers: readonly string[];
  readonly engine: Engine;
  readonly batch?: number;
}

export interface TaylorInfo {
  readonly targets: readonly TargetFacts[];
  readonly refusals: readonly Refusal[];
}

/** What units are worth to the loss: see core/explain/criteria/taylor. */
export const taylorTask: Task<TaylorParams, TaylorSums, TaylorInfo> = {
  name: "taylor",
  async open(params) {
    const { graph, batch, macs } = await bound(params.model, params.batch);
    const run = await compileTaylor(await engine(params.engine), graph, params.layers);
    const inputs = await openInputs(params.data, graph, batch, run.outputs);
    const { targets, refusals } = run;
    return {
      samples: inputs.samples,
      batch,
      shardSize: SHARD_SECONDS / (RUNS * SECONDS_PER_MAC * macs),
      info: { targets, refusals },
      shard: (from, to) => run.run(inputs.batches(from, to)),
      async close() {
        await inputs.close();
        await run.release();
      },
    };
  },
  merge: addTaylor,
};

/** What one shard may take, for progress and cancelling; a backward run costs about two forward ones. */
const SHARD_SECONDS = 30;
const RUNS = 3;
const SECONDS_PER_MAC = 2.5e-11;
