import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { backward } from "#core/autodiff/backward.ts";
import { type Layer, layersOf, typeOf } from "#core/explain/layers.ts";
import { bindBatch } from "#core/formats/batch.ts";
import { loadWeights } from "#core/formats/weights.ts";
import { constant, type Graph, type Value } from "#core/ir/graph.ts";
import { float32, known, size, type Tensor } from "#core/ir/tensor.ts";
import { verify } from "#core/ir/verify.ts";
import { readWell } from "../core/formats/support.ts";
import { arraysOf } from "./arrays.ts";

/** The networks of fixtures/pytorchModels, and the layer whose module the middle gradient is of. */
export const pytorchNetworks = [
  { name: "cnn", middle: "conv2", layers: ["conv1", "conv2", "fc1", "fc2"] },
  {
    name: "residual",
    middle: "layer1.0.conv2",
    layers: [
      "conv1",
      "layer1.0.conv1",
      "layer1.0.conv2",
      "layer1.1.conv1",
      "layer1.1.conv2",
      "layer2.0.conv1",
      "layer2.0.conv2",
      "layer2.0.downsample.0",
      "fc",
    ],
  },
  {
    name: "depthwise",
    middle: "features.0.depthwise",
    layers: [
      "stem",
      ...["features.0", "features.1"].flatMap((block) =>
        ["expand", "depthwise", "se.fc1", "se.fc2", "project"].map((part) => `${block}.${part}`),
      ),
      "classifier.0",
      "classifier.3",
    ],
  },
  { name: "lstm", middle: "proj", layers: ["proj", "lstm", "lstm#2", "fc"] },
  {
    name: "transformer",
    middle: "blocks.1.fc1",
    layers: [
      "patch_embed",
      ...["blocks.0", "blocks.1"].flatMap((block) =>
        ["qkv", "proj", "fc1", "fc2"].map((part) => `${block}.${part}`),
      ),
      "head",
    ],
  },
] as const;

export type PytorchNetwork = (typeof pytorchNetworks)[number];

export const EXPORTERS = ["script", "dynamo"] as const;
export type Exporter = (typeof EXPORTERS)[number];

const file = (name: string) =>
  fileURLToPath(new URL(`../fixtures/pytorchModels/${name}`, import.meta.url));

export const exported = ({ name }: PytorchNetwork, exporter: Exporter): Uint8Array =>
  new Uint8Array(readFileSync(file(`${name}.${exporter}.onnx`)));

/** What PyTorch computes: see fixtures/pytorchModels/make.py. */
export const expectedOf = ({ name }: PytorchNetwork): ReadonlyMap<string, Tensor> =>
  arraysOf(new Uint8Array(readFileSync(file(`${name}.npz`))));

export interface Derived {
  /** Logits, and the derivatives of logit 1 by the input and by the middle layer. */
  readonly graph: Graph;
  readonly layers: readonly Layer[];
}

/** The exported network for a batch, with the derivatives that expectedOf has. */
export async function derivedFrom(
  network: PytorchNetwork,
  exporter: Exporter,
  batch: number,
): Promise<Derived> {
  const model = await readWell(exported(network, exporter));
  await loadWeights(model.graph);
  verify(model.graph);
  const bound = bindBatch(model.graph, batch);
  assert.ok(bound.kind === "bound", bound.kind === "refused" ? bound.because : "");
  verify(bound.graph);
  const layers = layersOf(bound.graph);
  const [logits] = bound.graph.outputs;
  const [x] = bound.graph.inputs;
  const middle = affineOutput(layers.find((l) => l.name === network.middle)!);
  const shape = known(logits!.shape);
  const one = float32(
    shape,
    Float32Array.from({ length: size(shape) }, (_, i) => (i % shape[1]! === 1 ? 1 : 0)),
  );
  const found = backward([{ output: logits!, cotangent: constant(one) }], [x!, middle]);
  const graph = {
    inputs: bound.graph.inputs,
    outputs: [logits!, found.get(x!)!, found.get(middle)!],
  };
  return { graph, layers };
}

/** Of the layer before its activation: the output of the module, bias and normalisation included. */
function affineOutput({ node, after }: Layer): Value {
  const affine = [node, ...after].filter((n) =>
    ["Conv", "Gemm", "MatMul", "Add", "BatchNormalization"].includes(typeOf(n)),
  );
  return affine.at(-1)!.outputs[0]!;
}
