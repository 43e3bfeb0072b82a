import type { Batch } from "#core/data/dataset.ts";
import { compileImportance, type ImportanceOptions } from "#core/explain/importance/compute.ts";
import { type Finish, finish } from "#core/explain/importance/finish.ts";
import { MEASURES } from "#core/explain/importance/statistics.ts";
import { bindBatch } from "#core/formats/batch.ts";
import type { Graph } from "#core/ir/graph.ts";
import { size } from "#core/ir/tensor.ts";
import type { Importance } from "#protocol/views/importance.ts";
import { normal } from "./build.ts";
import { referenceRuntime } from "./referenceRuntime.ts";

const BATCH = 8;
const SAMPLES = 20;

/** Importance of a small graph's units on seeded normal inputs, by the reference runtime. */
export async function measure(
  graph: Graph,
  options: Partial<ImportanceOptions & Finish> = {},
  labels?: (sample: number) => number,
): Promise<Importance> {
  const bound = bindBatch(graph, BATCH);
  if (bound.kind !== "bound") throw new Error(bound.because);
  const { outputs = "probabilities", measures = MEASURES, index, layers } = options;
  const run = await compileImportance(referenceRuntime, bound.graph, {
    outputs,
    measures,
    ...(layers === undefined ? {} : { layers }),
  });
  const partial = await run.run(batches(bound.graph, labels), (batch) => batch.x);
  return finish(partial, run.targets, run.outputs, {
    data: "random",
    outputs,
    ...(index === undefined ? {} : { index }),
  });
}

async function* batches(graph: Graph, label?: (sample: number) => number): AsyncGenerator<Batch> {
  const each = size((graph.inputs[0]!.shape as number[]).slice(1));
  const x = normal([SAMPLES, each], 99).data as Float32Array;
  for (let from = 0; from < SAMPLES; from += BATCH) {
    const count = Math.min(BATCH, SAMPLES - from);
    const own = label && Int32Array.from({ length: count }, (_, i) => label(from + i));
    const batch = { from, count, x: x.subarray(from * each, (from + count) * each) };
    yield own === undefined ? batch : { ...batch, labels: own };
  }
}
