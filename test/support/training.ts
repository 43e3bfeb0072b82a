import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { bindBatch } from "#core/formats/batch.ts";
import type { Graph } from "#core/ir/graph.ts";
import { known } from "#core/ir/tensor.ts";
import { Rows } from "#core/train/rows.ts";
import type { Source } from "#core/train/source.ts";
import { openSamples } from "#server/compute/samples.ts";
import { readModel } from "#server/files/openModel.ts";

/** What PyTorch's optimisers make of small models: see fixtures/training/make.py. */
export interface ExpectedSteps {
  readonly losses: readonly number[];
  /** By parameter, in PyTorch's layout. */
  readonly weights: Readonly<Record<string, readonly number[]>>;
}

export const trainingFile = (name: string): string =>
  fileURLToPath(new URL(`../fixtures/training/${name}`, import.meta.url));

export const expectedSteps = JSON.parse(
  readFileSync(trainingFile("expected.json"), "utf8"),
) as Readonly<Record<string, Readonly<Record<string, ExpectedSteps>>>>;

export const trainingModel = async (name: string, batch: number): Promise<Graph> =>
  boundTo((await readModel(trainingFile(`${name}.onnx`))).graph, batch);

export function boundTo(graph: Graph, batch: number): Graph {
  const bound = bindBatch(graph, batch);
  if (bound.kind === "refused") throw new Error(bound.because);
  return bound.graph;
}

/** All samples of a fixture, in order. */
export async function trainingRows(name: string, graph: Graph): Promise<Rows> {
  const shape = known(graph.inputs[0]!.shape).slice(1);
  const samples = await openSamples({ data: trainingFile(`${name}.npz`), preprocess: {} }, shape);
  const rows = new Rows(graph.inputs, samples.dataset.count);
  for await (const b of samples.dataset.batches(0, samples.dataset.count, 8))
    for (let i = 0; i < b.count; i++) rows.add([samples.prepare(b)], b.labels!, i);
  await samples.close();
  return rows;
}

/** Samples in memory as a source, in batches. */
export function sourceOf(
  x: Float32Array,
  labels: Int32Array,
  { batch, from = 0, to = labels.length }: { batch: number; from?: number; to?: number },
): Source {
  const each = x.length / labels.length;
  return {
    name: "test",
    samples: to - from,
    async *pass() {
      for (let at = from; at < to; at += batch) {
        const end = Math.min(to, at + batch);
        yield {
          from: at - from,
          count: end - at,
          inputs: [x.slice(at * each, end * each)],
          labels: labels.slice(at, end),
        };
      }
    },
  };
}
