import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { open } from "node:fs/promises";
import { resolve } from "node:path";
import { encode } from "#core/compile/encode.ts";
import type { ByteSource } from "#core/data/dataset.ts";
import { bindBatch } from "#core/formats/batch.ts";
import { noSiblings } from "#core/formats/format.ts";
import { onnx } from "#core/formats/onnx/onnx.ts";
import { loadWeights } from "#core/formats/weights.ts";
import { showType } from "#core/ir/tensor.ts";
import { verify } from "#core/ir/verify.ts";
import * as f from "./support.ts";

const root = resolve(process.env.KAIBO_DATA ?? "../shared/data");

async function fileSource(path: string): Promise<ByteSource & { close(): Promise<void> }> {
  const file = await open(path);
  const { size } = await file.stat();
  const read = async (offset: number, length: number) => {
    const bytes = new Uint8Array(length);
    const { bytesRead } = await file.read(bytes, 0, length, offset);
    assert.equal(bytesRead, length);
    return bytes;
  };
  return { name: path, size, read, close: () => file.close() };
}

async function opened(context: Mocha.Context, name: string) {
  const path = resolve(root, "models/onnx", name, "model.onnx");
  if (!existsSync(path)) {
    context.test!.title += ` (needs ${name} in KAIBO_DATA)`;
    context.skip();
  }
  const source = await fileSource(path);
  try {
    const { model, problems } = await onnx.read(source, noSiblings);
    if (model !== undefined) {
      await loadWeights(model.graph);
      verify(model.graph);
    }
    return { model: model!, problems };
  } finally {
    await source.close();
  }
}

interface Expected {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly parameters: number;
  readonly dialect: string;
}

const whole: Readonly<Record<string, Expected>> = {
  "mnist-8": {
    inputs: ["float32[1, 1, 28, 28]"],
    outputs: ["float32[1, 10]"],
    parameters: 5994,
    dialect: "onnx, opset 8",
  },
  "pytorch-cifar10": {
    inputs: ["float32[batch_size, 3, 32, 32]"],
    outputs: ["float32[batch_size, 10]"],
    parameters: 50182,
    dialect: "onnx, opset 10",
  },
  "pytorch-iris-mlp": {
    inputs: ["float32[batch_size, 4]"],
    outputs: ["float32[batch_size, 3]"],
    parameters: 795,
    dialect: "onnx, opset 11",
  },
  "mobilenet-v1-0.25-224": {
    inputs: ["float32[1, 3, 224, 224]"],
    outputs: ["float32[1, 1000]"],
    parameters: 467390,
    dialect: "onnx, opset 13",
  },
  "squeezenet-fp16": {
    inputs: ["float32[1, 3, 224, 224]"],
    outputs: ["float32[1, 1000, 1, 1]"],
    parameters: 1235496,
    dialect: "onnx, opset 7",
  },
  "ultraface-rfb-320": {
    inputs: ["float32[1, 3, 240, 320]"],
    outputs: ["float32[1, 4420, 2]", "float32[1, 4420, 4]"],
    parameters: 307624,
    dialect: "onnx, opset 9",
  },
};

describe("real ONNX models", () => {
  for (const [name, expected] of Object.entries(whole))
    it(`opens ${name}, frees its batch and writes it again`, async function () {
      const { model, problems } = await opened(this, name);
      assert.deepEqual(f.lines(problems), []);
      assert.deepEqual(
        {
          inputs: model.graph.inputs.map(showType),
          outputs: model.graph.outputs.map(showType),
          parameters: model.parameters,
          dialect: model.facts.dialect,
        },
        expected,
      );
      const bound = bindBatch(model.graph, 8);
      assert.ok(bound.kind === "bound", bound.kind === "refused" ? bound.because : "");
      verify(bound.graph);
      assert.equal(bound.graph.outputs[0]!.shape[0], 8);
      const again = await f.readWell(encode(bound.graph));
      assert.deepEqual(again.graph.outputs.map(showType), bound.graph.outputs.map(showType));
    }).timeout(20_000);
});
