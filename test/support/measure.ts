import {
  compileImportance,
  type Feed,
  type ImportanceOptions,
  type ImportanceRun,
} from "#core/explain/importance/compute.ts";
import { type Finish, finish } from "#core/explain/importance/finish.ts";
import { MEASURES, type Partial as Sums } from "#core/explain/importance/statistics.ts";
import { bindBatch } from "#core/formats/batch.ts";
import type { Graph } from "#core/ir/graph.ts";
import { size } from "#core/ir/tensor.ts";
import type { Importance } from "#protocol/views/importance.ts";
import { normal } from "./build.ts";
import { referenceRuntime } from "./referenceRuntime.ts";

export interface Measured extends Partial<ImportanceOptions & Finish> {
  readonly samples?: number;
  readonly batch?: number;
  /** Turns the normal numbers into what the inputs take. */
  readonly values?: (v: number) => number;
  /** Cotangents run together. */
  readonly stacked?: number;
}

/** Importance of a small graph's units on seeded normal inputs, by the reference runtime. */
export async function measure(
  graph: Graph,
  options: Measured = {},
  labels?: (sample: number) => number,
): Promise<Importance> {
  const { run, partial } = await sums(graph, options, labels);
  const { outputs = "probabilities", index } = options;
  return finish(partial, run.targets, run.outputs, {
    estimator: run.estimator,
    refusals: run.refusals,
    data: "random",
    outputs,
    ...(index === undefined ? {} : { index }),
  });
}

/** What `measure` finishes. */
export async function sums(
  graph: Graph,
  options: Measured = {},
  labels?: (sample: number) => number,
): Promise<{ run: ImportanceRun; partial: Sums }> {
  const { outputs = "probabilities", measures = MEASURES, samples = 20, batch = 8 } = options;
  const bound = bindBatch(graph, batch);
  if (bound.kind !== "bound") throw new Error(bound.because);
  const asked = { ...options, outputs, measures };
  const run = await compileImportance(referenceRuntime, bound.graph, asked, options.stacked);
  const feeds = batches(bound.graph, samples, batch, options.values ?? ((v) => v), labels);
  return { run, partial: await run.run(feeds, samples) };
}

async function* batches(
  graph: Graph,
  samples: number,
  batch: number,
  value: (v: number) => number,
  label?: (sample: number) => number,
): AsyncGenerator<Feed> {
  const all = graph.inputs.map(({ shape }, i) => {
    const each = size((shape as number[]).slice(1));
    return { each, x: Float32Array.from(normal([samples, each], 99 + i).data, value) };
  });
  for (let from = 0; from < samples; from += batch) {
    const count = Math.min(batch, samples - from);
    const own = label && Int32Array.from({ length: count }, (_, i) => label(from + i));
    const feed = {
      from,
      count,
      inputs: all.map(({ each, x }) => x.subarray(from * each, (from + count) * each)),
    };
    yield own === undefined ? feed : { ...feed, labels: own };
  }
}
