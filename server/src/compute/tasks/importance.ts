import type { DataSpec } from "#core/data/spec.ts";
import { compileImportance, type ImportanceOptions } from "#core/explain/importance/compute.ts";
import { addInto, type Partial } from "#core/explain/importance/statistics.ts";
import { factsOf, type TargetFacts } from "#core/explain/importance/targets.ts";
import { layersOf } from "#core/explain/layers.ts";
import { fail } from "#core/problem.ts";
import { type Engine, engine } from "../../runtime/engines.ts";
import { bound, inputShape } from "../bound.ts";
import { openSamples } from "../samples.ts";
import type { Task } from "../task.ts";

export interface ImportanceParams extends ImportanceOptions {
  readonly model: string;
  readonly data: DataSpec;
  readonly engine: Engine;
  /** Samples in one run; by the size of the model when absent. */
  readonly batch?: number;
}

export interface ImportanceInfo {
  readonly targets: readonly TargetFacts[];
  readonly outputs: number;
}

/** Which units matter (Kanadera): see core/explain/importance. */
export const importanceTask: Task<ImportanceParams, Partial, ImportanceInfo> = {
  name: "importance",
  async open(params) {
    const { graph, batch } = await bound(params.model, params.batch);
    const names = layersOf(graph).map((l) => l.name);
    const unknown = params.layers?.find((name) => !names.includes(name));
    if (unknown !== undefined)
      return fail(
        "bad-request",
        `there is no layer ${unknown}; there are ${names.join(", ")}`,
        params.model,
      );
    const samples = await openSamples(params.data, inputShape(graph));
    const run = await compileImportance(
      await engine(params.engine),
      graph,
      params,
      samples.prepare,
      samples.dataset.labelled,
    );
    const reader = samples.forward(batch, run.outputs);
    return {
      samples: samples.dataset.count,
      batch,
      info: { targets: run.targets.map(factsOf), outputs: run.outputs },
      shard: (from, to) => run.run(reader.batches(from, to)),
      async close() {
        await reader.close();
        await run.release();
        await samples.close();
      },
    };
  },
  merge: addInto,
};
