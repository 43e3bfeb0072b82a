import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { backward } from "#core/autodiff/backward.ts";
import type { ByteSource } from "#core/data/dataset.ts";
import { Reader } from "#core/data/reader.ts";
import { openZip } from "#core/data/zip.ts";
import { bindBatch } from "#core/formats/batch.ts";
import { noSiblings } from "#core/formats/format.ts";
import { keras } from "#core/formats/keras/keras.ts";
import type { Model } from "#core/formats/model.ts";
import { loadWeights } from "#core/formats/weights.ts";
import { type Graph, input, type Value } from "#core/ir/graph.ts";
import { known, size, type Tensor } from "#core/ir/tensor.ts";
import { verify } from "#core/ir/verify.ts";
import { describe } from "#core/problem.ts";
import { evaluate } from "#core/runtime/reference.ts";
import { sourceOf } from "./support.ts";

export const folder = resolve("test/fixtures/keras");

export const fixtureBytes = (name: string): Uint8Array =>
  new Uint8Array(readFileSync(resolve(folder, name)));

export const openBytes = (bytes: Uint8Array, name: string) =>
  keras.read(sourceOf(bytes, name), noSiblings);

/** A model that must have no problems, with its weights. */
export async function opened(bytes: Uint8Array, name: string): Promise<Model> {
  const { model, problems } = await openBytes(bytes, name);
  assert.deepEqual(problems.map(describe), []);
  assert.ok(model !== undefined && !model.partial);
  await loadWeights(model.graph);
  verify(model.graph);
  return model;
}

/** The arrays that numpy.savez wrote, by name. */
export async function arraysOf(source: ByteSource): Promise<ReadonlyMap<string, Tensor>> {
  const arrays = new Map<string, Tensor>();
  for (const [name, content] of await openZip(source)) {
    const bytes = await new Reader(content).takeUpTo(content.limit);
    arrays.set(name.replace(/\.npy$/, ""), arrayOf(bytes));
  }
  return arrays;
}

function arrayOf(bytes: Uint8Array): Tensor {
  const header = String.fromCharCode(...bytes.subarray(10, 10 + bytes[8]! + 256 * bytes[9]!));
  const [, dtype] = /'descr': '<([a-z]\d)'/.exec(header) ?? [];
  const [, dims = ""] = /'shape': \(([^)]*)\)/.exec(header) ?? [];
  const shape = (dims.match(/\d+/g) ?? []).map(Number);
  const raw = bytes.slice(10 + header.length).buffer;
  assert.ok(dtype === "f4" || dtype === "i4", `unexpected array: ${header}`);
  return dtype === "f4"
    ? { dtype: "float32", shape, data: new Float32Array(raw) }
    : { dtype: "int32", shape, data: new Int32Array(raw) };
}

export const bound = (model: Model, batch: number): Graph => {
  const found = bindBatch(model.graph, batch);
  assert.ok(
    found.kind === "bound",
    found.kind === "refused" ? `${found.at}: ${found.because}` : "",
  );
  return found.graph;
};

export const run = (graph: Graph, inputs: readonly Tensor[]): readonly Tensor[] =>
  evaluate(graph.outputs, new Map(graph.inputs.map((v, i) => [v, inputs[i]!])));

/** ∂ Σ outputs·cotangents / ∂ float inputs, by the reference runtime. */
export function gradients(
  graph: Graph,
  inputs: readonly Tensor[],
  cotangents: readonly Tensor[],
): readonly (Tensor | undefined)[] {
  const seeds = graph.outputs.map((output, i) => ({
    output,
    cotangent: input(`cotangent${i}`, output.dtype, output.shape),
  }));
  const floats = graph.inputs.filter((v) => v.dtype === "float32");
  const found = backward(seeds, floats);
  const feeds = new Map<Value, Tensor>(graph.inputs.map((v, i) => [v, inputs[i]!]));
  seeds.forEach(({ cotangent }, i) => {
    feeds.set(cotangent, cotangents[i]!);
  });
  return floats.map((v) => {
    const gradient = found.get(v);
    return gradient && evaluate([gradient], feeds)[0];
  });
}

/** Largest difference, relative to the largest expected number (1 where all are smaller). */
export function assertClose(
  actual: Tensor | undefined,
  expected: Tensor,
  tolerance: number,
  what: string,
): void {
  if (actual !== undefined) assert.deepEqual([...known(actual.shape)], [...expected.shape], what);
  let [worst, largest, at] = [0, 1, 0];
  for (let i = 0; i < size(expected.shape); i++) {
    const difference = Math.abs((actual?.data[i] ?? 0) - expected.data[i]!);
    if (!(difference <= worst)) [worst, at] = [difference, i];
    largest = Math.max(largest, Math.abs(expected.data[i]!));
  }
  assert.ok(
    worst <= tolerance * largest,
    `${what}: element ${at} is ${actual?.data[at]}, Keras has ${expected.data[at]}`,
  );
}
