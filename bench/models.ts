import { mkdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encode } from "#core/compile/encode.ts";
import { bindBatch } from "#core/formats/batch.ts";
import { constant, type Graph, input, type Value } from "#core/ir/graph.ts";
import { float32, size } from "#core/ir/tensor.ts";
import { conv } from "#core/ops/conv.ts";
import { flatten } from "#core/ops/flatten.ts";
import { gemm } from "#core/ops/gemm.ts";
import { maxPool } from "#core/ops/maxPool.ts";
import { relu } from "#core/ops/relu.ts";
import { sigmoid } from "#core/ops/sigmoid.ts";
import { macs } from "#core/prune/cost.ts";
import { type Random, random } from "#core/random.ts";
import type { LayerSpec, NetSpec } from "./nets.ts";
import { writeNpy } from "./npy.ts";

/** The files of a net, for both sides. */
export interface NetFiles {
  readonly model: string;
  /** Samples, .npy. */
  readonly data: string;
  /** What the peer builds the net from: JSON, naming .npy files beside it. */
  readonly peer: string;
  /** Multiply-adds of one sample forward. */
  readonly macs: number;
  readonly outputs: number;
}

/** Initial weights keep the signal's size: uniform in ±gain/√inputs. Sigmoids are a quarter as steep. */
const GAIN = { relu: Math.sqrt(6), sigmoid: 8, none: Math.sqrt(3) };

/** Builds a net with seeded weights and data and writes it for both sides. */
export async function writeNet(net: NetSpec): Promise<NetFiles> {
  const folder = join(tmpdir(), "kaibo-bench");
  await mkdir(folder, { recursive: true });
  const path = (name: string) => join(folder, `${net.id}.${name}`);
  const random1 = random(1);
  const x = input("x", "float32", ["N", ...net.input]);
  let value = x;
  const layers: object[] = [];
  for (const [i, layer] of net.layers.entries()) {
    if (layer.kind === "dense" && value.shape.length > 2) value = flatten({}, value);
    const shape = weightShape(layer, value);
    const weight = uniform(random1, shape, GAIN[layer.activation ?? "none"]);
    const bias = uniform(random1, [layer.units], 1);
    const files = { weight: `${net.id}.${i}.weight.npy`, bias: `${net.id}.${i}.bias.npy` };
    await writeNpy(join(folder, files.weight), shape, weight);
    await writeNpy(join(folder, files.bias), [layer.units], bias);
    layers.push({ ...layer, ...files });
    value = apply(
      layer,
      value,
      constant(float32(shape, weight)),
      constant(float32([layer.units], bias)),
    );
  }
  const graph: Graph = { inputs: [x], outputs: [value] };
  await writeFile(path("onnx"), encode(graph));
  await writeFile(path("json"), JSON.stringify({ layers, data: `${net.id}.x.npy` }));
  const shape = [net.samples, ...net.input];
  const next = random(2);
  await writeNpy(path("x.npy"), shape, Float32Array.from({ length: size(shape) }, next.uniform));
  const one = bindBatch(graph, 1);
  if (one.kind === "refused") throw new Error(one.because);
  return {
    model: path("onnx"),
    data: path("x.npy"),
    peer: path("json"),
    macs: macs(one.graph),
    outputs: net.layers.at(-1)?.units ?? 0,
  };
}

function weightShape(layer: LayerSpec, from: Value): number[] {
  const inputs = from.shape[1] as number;
  const { kernel = 1 } = layer;
  return layer.kind === "conv"
    ? [layer.units, inputs, kernel, kernel]
    : [layer.units, size(from.shape.slice(1) as number[])];
}

function uniform(from: Random, shape: readonly number[], gain: number): Float32Array {
  const scale = gain / Math.sqrt(Math.max(1, size(shape.slice(1))));
  return Float32Array.from({ length: size(shape) }, () => (2 * from.uniform() - 1) * scale);
}

function apply(layer: LayerSpec, x: Value, weight: Value, bias: Value): Value {
  let value =
    layer.kind === "conv" ? conv({}, x, weight, bias) : gemm({ transB: 1 }, x, weight, bias);
  if (layer.activation === "relu") value = relu({}, value);
  if (layer.activation === "sigmoid") value = sigmoid({}, value);
  if (layer.pool === true) value = maxPool({ kernel_shape: [2, 2], strides: [2, 2] }, value);
  return value;
}
