import type { DataSpec } from "#core/data/spec.ts";
import { compileActivity } from "#core/explain/importance/activity.ts";
import {
  compileImportance,
  type ImportanceOptions,
  type ImportanceRun,
} from "#core/explain/importance/compute.ts";
import type { Estimator } from "#core/explain/importance/estimator.ts";
import { addInto, type Partial } from "#core/explain/importance/statistics.ts";
import { factsOf, type Refusal, type TargetFacts } from "#core/explain/importance/targets.ts";
import { layersOf } from "#core/explain/layers.ts";
import { fail, type Problem, ProblemError } from "#core/problem.ts";
import { stampOf } from "../../files/stampOf.ts";
import { type Engine, engine, engineName } from "../../runtime/engines.ts";
import { type Bound, boundPart } from "../bound.ts";
import { openInputs } from "../inputs.ts";
import type { Task } from "../task.ts";

export interface ImportanceParams extends Omit<ImportanceOptions, "output" | "own"> {
  readonly model: string;
  readonly data: DataSpec;
  readonly engine: Engine;
  /** Samples in one run; by the size of the model when absent. */
  readonly batch?: number;
  /** The file's name of the output that is explained; the first when absent. */
  readonly output?: string;
}

export interface ImportanceInfo {
  readonly targets: readonly TargetFacts[];
  readonly refusals: readonly Refusal[];
  readonly outputs: number;
  readonly estimator: Estimator;
  /** Of all files that the model was read from. */
  readonly stamps: string;
  /** What runs the graphs, with its backend. */
  readonly engine: string;
}

/** Which units matter (Kanadera): see core/explain/importance. */
export const importanceTask: Task<ImportanceParams, Partial, ImportanceInfo> = {
  name: "importance",
  async open(params) {
    const { model, run, engine, stamps } = await compiled(params);
    const { graph, batch } = model;
    // Where no output is known, any label goes with it.
    const inputs = await openInputs(params.data, graph, batch, Math.max(1, run.outputs));
    const { targets, refusals, outputs, estimator } = run;
    return {
      samples: inputs.samples,
      batch,
      shardSize: shardSize(model, run, inputs.samples),
      info: { targets: targets.map(factsOf), refusals, outputs, estimator, engine, stamps },
      shard: (from, to) => run.run(inputs.batches(from, to), inputs.samples),
      close: () => inputs.close(),
    };
  },
  merge: addInto,
};

/** What one shard may take, for progress, cancelling and resuming; more of them send more sums. */
const SHARD_SECONDS = 30;
/** Rough costs on one core of one run: of a multiply–accumulate, and of an element of an activation. */
const SECONDS_PER_MAC = 2.5e-11;
const SECONDS_PER_ELEMENT = 1.5e-8;

/** Samples in one shard at most. By counts alone, so that it is the same on every machine. */
function shardSize({ macs }: Bound, run: ImportanceRun, samples: number): number {
  const elements = run.targets.reduce((sum, t) => sum + t.elements, 0);
  const each = SECONDS_PER_MAC * macs + SECONDS_PER_ELEMENT * elements;
  return SHARD_SECONDS / (each * (1 + run.backwardRuns(samples)));
}

interface Compiled {
  readonly model: Bound;
  readonly run: ImportanceRun;
  readonly engine: string;
  readonly stamps: string;
}

/** The last model stays compiled: the same question of other data, or again, starts at once. */
let last: { readonly key: string; readonly value: Compiled } | undefined;

async function compiled({ data: _data, ...params }: ImportanceParams): Promise<Compiled> {
  const key = JSON.stringify(params);
  if (last?.key === key && last.value.stamps === (await stampsOf(last.value.model.files)))
    return last.value;
  await last?.value.run.release();
  last = undefined;
  // Taken before reading: a file that changes meanwhile is read again next time.
  const before = await stampsOf([params.model]);
  const model = await boundPart(params.model, params.batch);
  const [, ...others] = model.files;
  const stamps = [before, ...(others.length > 0 ? [await stampsOf(others)] : [])].join();
  const names = layersOf(model.graph).map((l) => l.name);
  if (names.length === 0 && model.unread !== undefined) throw new ProblemError(model.unread);
  const unknown = params.layers?.find((name) => !names.includes(name));
  if (unknown !== undefined) {
    const message = `there is no layer ${unknown}; there are ${names.join(", ")}`;
    return fail("bad-request", message, params.model);
  }
  const { output: name, ...options } = params;
  const output = name === undefined ? 0 : model.outputs.indexOf(name);
  if (output < 0) {
    const there =
      model.outputs.length === 0 ? "none was read" : `there are ${model.outputs.join(", ")}`;
    return fail("bad-request", `there is no output ${name}; ${there}`, params.model);
  }
  const runtime = await engine(params.engine);
  const run =
    model.outputs.length === 0
      ? await compileActivity(runtime, model.graph, notReached(model.unread), params.layers)
      : await compileImportance(runtime, model.graph, {
          ...options,
          output,
          own: model.outputs.length,
        });
  if (run.targets.length === 0 && model.unread !== undefined) throw new ProblemError(model.unread);
  last = { key, value: { model, run, engine: engineName(runtime), stamps } };
  return last.value;
}

/** Why nothing is importance: the outputs lie behind what could not be read. */
function notReached(unread: Problem | undefined): string {
  if (unread === undefined) return "the model has no outputs";
  const { message, at } = unread;
  const where = at.place === undefined ? "" : ` (${at.place})`;
  return `the model's outputs are not reached${where}: ${message}`;
}

/** A file that is gone has no stamp: reading it says so to people. */
const stampsOf = async (files: readonly string[]): Promise<string> =>
  (await Promise.all(files.map((f) => stampOf(f).catch(() => undefined))))
    .map((found) => found?.stamp ?? "gone")
    .join();
