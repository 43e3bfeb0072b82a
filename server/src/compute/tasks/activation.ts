import type { DataSpec } from "#core/data/spec.ts";
import { compileActivity } from "#core/explain/importance/activity.ts";
import { addInto, type Partial } from "#core/explain/importance/statistics.ts";
import { factsOf, type TargetFacts } from "#core/explain/importance/targets.ts";
import { type Engine, engine } from "../../runtime/engines.ts";
import { bound } from "../bound.ts";
import { openInputs } from "../inputs.ts";
import type { Task } from "../task.ts";

export interface ActivationParams {
  readonly model: string;
  readonly data: DataSpec;
  readonly layers: readonly string[];
  readonly engine: Engine;
  readonly batch?: number;
}

export interface ActivationInfo {
  readonly targets: readonly TargetFacts[];
}

/** How the units' activations spread: forward runs alone. */
export const activationTask: Task<ActivationParams, Partial, ActivationInfo> = {
  name: "activation",
  async open(params) {
    const { graph, batch } = await bound(params.model, params.batch);
    const run = await compileActivity(await engine(params.engine), graph, "", params.layers);
    const inputs = await openInputs(params.data, graph, batch, 1);
    return {
      samples: inputs.samples,
      batch,
      info: { targets: run.targets.map(factsOf) },
      shard: (from, to) => run.run(inputs.batches(from, to), inputs.samples),
      async close() {
        await inputs.close();
        await run.release();
      },
    };
  },
  merge: addInto,
};
