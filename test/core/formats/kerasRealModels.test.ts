import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { layersOf } from "#core/explain/layers.ts";
import type { Tensor } from "#core/ir/tensor.ts";
import { describe as show } from "#core/problem.ts";
import * as k from "./kerasSupport.ts";

const root = resolve(process.env.KAIBO_DATA ?? "../shared/data");

/** The path of a real model; the test is skipped where it is not there. */
function needed(context: Mocha.Context, name: string): string {
  const path = resolve(root, "models/keras", name);
  if (!existsSync(path)) {
    context.test!.title += ` (skipped: needs models/keras/${name} in KAIBO_DATA)`;
    context.skip();
  }
  return path;
}

/** An onnx.TensorProto of float32: dims, raw_data or float_data. */
function goldenAt(path: string): Tensor & { data: Float32Array } {
  const reader = new BinaryReader(new Uint8Array(readFileSync(path)));
  const shape: number[] = [];
  let data = new Float32Array();
  while (reader.pos < reader.len) {
    const [field, wire] = reader.tag();
    if (field === 1 && wire === 0) shape.push(Number(reader.int64()));
    else if (field === 1) {
      const packed = new BinaryReader(reader.bytes());
      while (packed.pos < packed.len) shape.push(Number(packed.int64()));
    } else if ((field === 9 || field === 4) && wire === 2)
      data = new Float32Array(reader.bytes().slice().buffer);
    else reader.skip(wire);
  }
  return { dtype: "float32", shape, data };
}

/** File, layers, and how many samples of the golden data the slow reference runtime computes. */
const models = [
  { name: "resnet8-cifar10/model.h5", layers: 10, samples: 1 },
  { name: "resnet8-cifar10/model.keras", layers: 10, samples: 1 },
  { name: "autoencoder-toycar/model.h5", layers: 10, samples: 2 },
  { name: "autoencoder-toycar/model.keras", layers: 10, samples: 2 },
  { name: "fer2013-mini-xception/model.hdf5", layers: 23, samples: 1 },
  { name: "mobilenet-vww-96/model.h5", layers: 28, samples: 1 },
  { name: "streaming-wakeword/model.h5", layers: 9, samples: 1 },
  { name: "mobilenet-v1-0.25-224/model.h5", layers: 28, samples: 1 },
  { name: "mobilenet-v1-0.25-224/model.keras", layers: 28, samples: 1 },
];

describe("real Keras models", () => {
  for (const { name, layers, samples } of models)
    it(`reproduces the outputs of ${name}`, async function () {
      const path = needed(this, name);
      const model = await k.opened(new Uint8Array(readFileSync(path)), name);
      const golden = (what: string) => {
        const all = goldenAt(resolve(path, "../test_data_set_0", `${what}_0.pb`));
        const count = Math.min(samples, all.shape[0]!);
        const each = all.data.length / all.shape[0]!;
        return {
          ...all,
          shape: [count, ...all.shape.slice(1)],
          data: all.data.slice(0, count * each),
        };
      };
      const graph = k.bound(model, golden("input").shape[0]!);
      assert.equal(layersOf(graph).length, layers);
      const [y] = k.run(graph, [golden("input")]);
      const expected = golden("output");
      const largest = expected.data.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
      k.assertClose(y, expected, 1e-3 * Math.min(1, largest), name);
    }).timeout(120_000);

  it("says of a custom class that its code is not in the file", async function () {
    const name = "keras-nested-container/model.keras";
    const path = needed(this, name);
    const { model, problems } = await k.openBytes(
      new Uint8Array(readFileSync(path)),
      "model.keras",
    );
    assert.equal(model, undefined);
    assert.deepEqual(problems.map(show), [
      "model.keras, model nested_dense_model: the model is of the class NestedDenseModel, whose Python code is not in the file: save a Functional or Sequential model",
    ]);
  });
});
