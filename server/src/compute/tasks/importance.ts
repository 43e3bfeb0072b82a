import type { DataSpec } from "#core/data/spec.ts";
import {
  compileImportance,
  type ImportanceOptions,
  type ImportanceRun,
} from "#core/explain/importance/compute.ts";
import { addInto, type Partial } from "#core/explain/importance/statistics.ts";
import { factsOf, type TargetFacts } from "#core/explain/importance/targets.ts";
import { layersOf } from "#core/explain/layers.ts";
import { fail } from "#core/problem.ts";
import { stampOf } from "../../files/stampOf.ts";
import { type Engine, engine } from "../../runtime/engines.ts";
import { type Bound, bound, inputShape } from "../bound.ts";
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
    const { run, graph, batch } = await compiled(params);
    const samples = await openSamples(params.data, inputShape(graph));
    const reader = samples.forward(batch, run.outputs);
    return {
      samples: samples.dataset.count,
      batch,
      info: { targets: run.targets.map(factsOf), outputs: run.outputs },
      shard: (from, to) => run.run(reader.batches(from, to), samples.prepare),
      async close() {
        await reader.close();
        await samples.close();
      },
    };
  },
  merge: addInto,
};

interface Compiled extends Bound {
  readonly run: ImportanceRun;
}

/** The last model stays compiled: the same question of other data, or again, starts at once. */
let last: { readonly key: string; readonly stamps: string; readonly value: Compiled } | undefined;

async function compiled({ data: _data, ...params }: ImportanceParams): Promise<Compiled> {
  const key = JSON.stringify(params);
  if (last?.key === key && last.stamps === (await stampsOf(last.value.files))) return last.value;
  await last?.value.run.release();
  last = undefined;
  // Taken before reading: a file that changes meanwhile is read again next time.
  const before = await stampsOf([params.model]);
  const model = await bound(params.model, params.batch);
  const [, ...others] = model.files;
  const stamps = [before, ...(others.length > 0 ? [await stampsOf(others)] : [])].join();
  const names = layersOf(model.graph).map((l) => l.name);
  const unknown = params.layers?.find((name) => !names.includes(name));
  if (unknown !== undefined) {
    const message = `there is no layer ${unknown}; there are ${names.join(", ")}`;
    return fail("bad-request", message, params.model);
  }
  const run = await compileImportance(await engine(params.engine), model.graph, params);
  last = { key, stamps, value: { ...model, run } };
  return last.value;
}

/** A file that is gone has no stamp: reading it says so to people. */
const stampsOf = async (files: readonly string[]): Promise<string> =>
  (await Promise.all(files.map((f) => stampOf(f).catch(() => undefined))))
    .map((found) => found?.stamp ?? "gone")
    .join();
