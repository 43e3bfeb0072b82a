import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { backward } from "#core/autodiff/backward.ts";
import { bindBatch } from "#core/formats/batch.ts";
import type { Edited, Siblings } from "#core/formats/format.ts";
import type { Model } from "#core/formats/model.ts";
import { tfjs } from "#core/formats/tfjs/tfjs.ts";
import { loadWeights } from "#core/formats/weights.ts";
import { constant, type Graph } from "#core/ir/graph.ts";
import { float32, known, size, type Tensor } from "#core/ir/tensor.ts";
import { verify } from "#core/ir/verify.ts";
import { evaluate } from "#core/runtime/reference.ts";
import { bytesOf, lines, sourceOf } from "./support.ts";

export const fixtures = fileURLToPath(new URL("../../fixtures/tfjs", import.meta.url));

/** The files of a model by their path beside the model.json. */
export type Files = ReadonlyMap<string, Uint8Array>;

export function filesOf(folder: string): Files {
  const read = (path: string) => new Uint8Array(readFileSync(join(folder, path)));
  const model = JSON.parse(readFileSync(join(folder, "model.json"), "utf8"));
  const paths: string[] = model.weightsManifest.flatMap((g: { paths: string[] }) => g.paths);
  return new Map(["model.json", ...paths].map((path) => [path, read(path)]));
}

export const besides = (files: Files): Siblings => ({
  open: async (path) => {
    const bytes = files.get(path);
    return bytes && sourceOf(bytes, path);
  },
});

export const sourceIn = (files: Files) => sourceOf(files.get("model.json")!, "model.json");

export const open = (files: Files) => tfjs.read(sourceIn(files), besides(files));

/** The model with its weights; it must have no problems. */
export async function openWell(files: Files): Promise<Model> {
  const { model, problems } = await open(files);
  assert.deepEqual(lines(problems), []);
  await loadWeights(model!.graph);
  verify(model!.graph);
  return model!;
}

/** The files after an edit: the old ones stay, as they do on disk. */
export async function written(files: Files, edited: Edited): Promise<Files> {
  assert.deepEqual(lines(edited.problems), []);
  const all = new Map(files);
  for (const { path, file } of [
    ...(edited.others ?? []),
    { path: "model.json", file: edited.file! },
  ]) {
    const bytes = await bytesOf(file.pieces());
    assert.equal(bytes.length, file.size, path);
    all.set(path, bytes);
  }
  return all;
}

export function bound(graph: Graph, batch: number): Graph {
  const result = bindBatch(graph, batch);
  assert.ok(
    result.kind === "bound",
    result.kind === "refused" ? `${result.at}: ${result.because}` : "",
  );
  return result.graph;
}

/** What TensorFlow computed (see fixtures/tfjs/make.py). */
export interface Expected {
  readonly input: Listed;
  readonly outputs: readonly Listed[];
  readonly gradient: Listed;
}

interface Listed {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

export const expectedOf = (folder: string): Expected =>
  JSON.parse(readFileSync(join(folder, "expected.json"), "utf8")) as Expected;

/** Σ cos(i)·y[i] over every output y, differentiated by the only input. */
export function gradientOf(graph: Graph, x: Tensor): Tensor {
  const [input] = graph.inputs;
  const seeds = graph.outputs.map((value) => {
    const shape = known(value.shape);
    const data = Float32Array.from({ length: size(shape) }, (_, i) => Math.cos(i));
    return { output: value, cotangent: constant(float32(shape, data)) };
  });
  const gradient = backward(seeds, [input!]).get(input!);
  return evaluate([gradient!], new Map([[input!, x]]))[0]!;
}

/** What TensorFlow.js is given when it loads the files: the weights in the order of the manifest. */
export function artifacts(files: Files) {
  const model = JSON.parse(Buffer.from(files.get("model.json")!).toString("utf8"));
  const groups: { paths: string[]; weights: unknown[] }[] = model.weightsManifest;
  const shards = groups.flatMap((g) => g.paths.map((path) => files.get(path)!));
  const data = new Uint8Array(shards.reduce((n, s) => n + s.length, 0));
  let at = 0;
  for (const shard of shards) {
    data.set(shard, at);
    at += shard.length;
  }
  const { modelTopology, format, signature, userDefinedMetadata } = model;
  const weightSpecs = groups.flatMap((g) => g.weights);
  const given = { modelTopology, format, signature, userDefinedMetadata, weightSpecs };
  return { load: async () => ({ ...given, weightData: data.buffer }) };
}
