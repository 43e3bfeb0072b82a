import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import "@tensorflow/tfjs-backend-cpu";
import { isDeepStrictEqual } from "node:util";
import { loadGraphModel } from "@tensorflow/tfjs-converter";
import * as tf from "@tensorflow/tfjs-core";
import { ready, File as WasmFile } from "h5wasm";
import { Reader } from "#core/data/reader.ts";
import { openZip } from "#core/data/zip.ts";
import type { Edit } from "#core/formats/edits.ts";
import { noSiblings } from "#core/formats/format.ts";
import { openHdf5 } from "#core/formats/keras/hdf5/hdf5.ts";
import { keras } from "#core/formats/keras/keras.ts";
import { safetensors } from "#core/formats/safetensors/safetensors.ts";
import { tfjs } from "#core/formats/tfjs/tfjs.ts";
import { loadWeights } from "#core/formats/weights.ts";
import { constantOf, type Graph, topological } from "#core/ir/graph.ts";
import { float32 } from "#core/ir/tensor.ts";
import { planPrune } from "#core/prune/plan.ts";
import { random } from "#core/random.ts";
import { evaluate } from "#core/runtime/reference.ts";
import { assertNear } from "../../support/numbers.ts";
import * as k from "./kerasSupport.ts";
import * as f from "./support.ts";
import * as t from "./tfjsSupport.ts";

const noise = (length: number, seed = 3) => Float32Array.from({ length }, random(seed).normal);

const tensorOf = (graph: Graph, name: string) =>
  constantOf(topological(graph.outputs).find((n) => n.name === name)!.outputs[0])!;

describe("weights written into Keras files", () => {
  const kernel = { tensor: "classes/kernel", write: noise(4 * 3) };
  const bias = { tensor: "conv1/bias", write: Float32Array.of(5, 6, 7) };

  async function edited(file: string, edits: readonly Edit[]) {
    const bytes = k.fixtureBytes(file);
    const result = await keras.applyEdits(f.sourceOf(bytes, file), noSiblings, edits);
    assert.deepEqual(f.lines(result.problems), []);
    const after = await f.bytesOf(result.file!.pieces());
    return { after, model: await k.opened(after, file), told: result.model! };
  }

  /** Every array of a file as the HDF5 library reads it. */
  async function arrays(bytes: Uint8Array): Promise<Map<string, unknown>> {
    const zip = bytes[0] === 0x50 ? await openZip(f.sourceOf(bytes)) : undefined;
    const inside = zip?.get("model.weights.h5");
    const content = inside ? await new Reader(inside).takeUpTo(inside.limit) : bytes;
    const { FS } = await ready;
    FS.writeFile("/read.h5", content);
    const file = new WasmFile("/read.h5", "r");
    const found = new Map<string, unknown>();
    for (const path of file.paths()) {
      const object = file.get(path);
      if (object !== null && "value" in object && "shape" in object)
        found.set(path, [object.shape, object.value]);
    }
    file.close();
    FS.unlink("/read.h5");
    return found;
  }

  for (const [file, wherever] of [
    ["cnn.keras", /^\/?layers\/dense_1\/vars\/0$/],
    ["cnn.h5", /model_weights\/classes\/.*kernel/],
  ] as const) {
    it(`are what the HDF5 library reads of ${file}, and the only change`, async () => {
      const before = await arrays(k.fixtureBytes(file));
      const shape = tensorOf(
        (await k.opened(k.fixtureBytes(file), file)).graph,
        kernel.tensor,
      ).shape;
      const write = noise(shape.reduce((a, b) => a * b, 1));
      const { after, model, told } = await edited(file, [{ tensor: kernel.tensor, write }]);
      const now = await arrays(after);
      assert.deepEqual([...now.keys()], [...before.keys()]);
      const changed = [...now].filter(([path, v]) => !isDeepStrictEqual(v, before.get(path)));
      assert.equal(changed.length, 1);
      assert.match(changed[0]![0], wherever);
      assert.deepEqual(changed[0]![1], [[...shape], write]);
      assert.deepEqual(tensorOf(model.graph, kernel.tensor).data, write);
      await loadWeights(told.graph);
      assert.deepEqual(tensorOf(told.graph, kernel.tensor).data, write);
    });

    it(`go together with cuts of ${file}`, async () => {
      const { graph } = await k.opened(k.fixtureBytes(file), file);
      const planned = planPrune(graph, [{ layer: "conv1", units: [2] }]);
      assert.ok("plan" in planned);
      const { after, model } = await edited(file, [bias, ...planned.plan.edits]);
      assert.deepEqual([...tensorOf(model.graph, "conv1/bias").data], [5, 6, 7]);
      const read = [...(await arrays(after)).values()];
      assert.ok(read.some((v) => isDeepStrictEqual(v, [[3], bias.write])));
    });
  }

  it("leave the optimizer's state, whose shapes still fit", async () => {
    const write = noise(4);
    const { after } = await edited("cnn.h5", [{ tensor: "conv1/bias", write }]);
    assert.ok((await openHdf5(f.sourceOf(after))).members.has("optimizer_weights"));
  });
});

describe("weights written into TensorFlow.js files", () => {
  interface Entry {
    name: string;
    shape: number[];
    dtype: string;
    quantization?: { dtype: string; scale?: number; min?: number };
  }

  const manifest = (
    files: t.Files,
  ): { json: { weightsManifest: { paths: string[]; weights: Entry[] }[] }; entries: Entry[] } => {
    const json = JSON.parse(Buffer.from(files.get("model.json")!).toString("utf8"));
    return { json, entries: json.weightsManifest[0].weights };
  };

  /** The cnn with one weight stored as whole numbers of 8 bits, or as floats of 16. */
  function quantised(dtype: "uint8" | "float16"): t.Files {
    const files = t.filesOf(join(t.fixtures, "cnn"));
    const { json, entries } = manifest(files);
    const content = files.get("weights.bin")!;
    let at = 0;
    const parts = entries.map((entry) => {
      const size = entry.shape.reduce((a, b) => a * b, 4);
      const bytes = content.slice(at, at + size);
      at += size;
      if (entry.name !== "MatMul_1/b") return bytes;
      entry.quantization = dtype === "uint8" ? { dtype, scale: 0.01, min: -1 } : { dtype };
      const count = bytes.length / 4;
      return f.bytesLE(
        dtype === "uint8"
          ? Uint8Array.from(f.range(count))
          : Uint16Array.from(f.range(count), (i) => 0x3c00 + i),
      );
    });
    return new Map(files)
      .set("model.json", new TextEncoder().encode(JSON.stringify(json)))
      .set("weights.bin", new Uint8Array(Buffer.concat(parts)));
  }

  for (const [kind, files, type] of [
    ["float32", t.filesOf(join(t.fixtures, "cnn")), undefined],
    ["float16", quantised("float16"), "float16"],
    ["uint8 (float32 from then on)", quantised("uint8"), undefined],
  ] as const)
    for (const cut of [false, true])
      it(`are what TensorFlow.js computes with: ${kind}${cut ? ", with a cut" : ""}`, async () => {
        const { graph } = await t.openWell(files);
        const hidden = "MatMul/b";
        const edits: Edit[] = cut
          ? [
              { tensor: hidden, axis: 1, remove: [4] },
              { tensor: "BiasAdd_1/bias", axis: 0, remove: [4] },
              { tensor: "MatMul_1/b", axis: 0, remove: [4] },
            ]
          : [];
        assert.ok(topological(graph.outputs).some((n) => n.name === hidden));
        const write = noise(cut ? 15 : 18);
        const result = await tfjs.applyEdits(t.sourceIn(files), t.besides(files), [
          ...edits,
          { tensor: "MatMul_1/b", write },
        ]);
        const after = await t.written(files, result);
        const entry = manifest(after).entries.find((e) => e.name === "MatMul_1/b")!;
        assert.deepEqual(entry, {
          name: "MatMul_1/b",
          shape: [cut ? 5 : 6, 3],
          dtype: "float32",
          ...(type && { quantization: { dtype: type } }),
        });
        const read = await t.openWell(after);
        const stored = tensorOf(read.graph, "MatMul_1/b");
        if (type === undefined) assert.deepEqual(stored.data, write);
        else assertNear(stored.data, write, 2 ** -10, "as float16");

        const { input } = t.expectedOf(join(t.fixtures, "cnn"));
        const own = t.bound(read.graph, 2);
        const x = float32(input.shape, input.data);
        const [expected] = evaluate(own.outputs, new Map([[own.inputs[0]!, x]]));
        assertNear(await inTensorFlowJs(after, input), expected!.data, 1e-5, "TensorFlow.js");
        for (const [path, bytes] of files)
          if (path !== "model.json")
            assert.deepEqual(after.get(path), bytes, "the old shard stays");
      });

  it("are refused for whole numbers", async () => {
    const files = t.filesOf(join(t.fixtures, "cnn"));
    const edit = { tensor: "Reshape/shape", write: Float32Array.of(1, 2) };
    const { file, problems } = await tfjs.applyEdits(t.sourceIn(files), t.besides(files), [edit]);
    assert.equal(file, undefined);
    assert.match(
      f.lines(problems).join(),
      /Reshape\/shape: (only floats are written|it is a shape)/,
    );
  });

  async function inTensorFlowJs(files: t.Files, x: t.Expected["input"]): Promise<Float32Array> {
    await tf.setBackend("cpu");
    const model = await loadGraphModel(t.artifacts(files) as tf.io.IOHandler);
    const y = model.predict(tf.tensor([...x.data], [...x.shape])) as tf.Tensor;
    return (await y.data()) as Float32Array;
  }
});

describe("weights written into safetensors files", () => {
  const bytes = new Uint8Array(
    readFileSync(resolve("test/fixtures/safetensors/model.safetensors")),
  );

  it("stand where the old ones stood, rounded to the stored type", async () => {
    const source = f.sourceOf(bytes, "m.safetensors");
    const { model } = await safetensors.read(source, noSiblings);
    const dtypes = headerOf(bytes);
    const floats = Object.keys(dtypes).filter((n) => /^(F32|F64|F16|BF16)$/.test(dtypes[n]!.dtype));
    assert.equal(new Set(floats.map((n) => dtypes[n]!.dtype)).size, 4);
    const edits = floats.map((tensor, i) => {
      const { shape } = tensorOf(model!.graph, tensor);
      return {
        tensor,
        write: noise(
          shape.reduce((a, b) => a * b, 1),
          i,
        ),
      };
    });
    const result = await safetensors.applyEdits(source, noSiblings, edits);
    assert.deepEqual(f.lines(result.problems), []);
    const after = await f.bytesOf(result.file!.pieces());
    assert.deepEqual(headerOf(after), dtypes);
    const again = await safetensors.read(f.sourceOf(after, "m.safetensors"), noSiblings);
    await loadWeights(again.model!.graph);
    for (const { tensor, write } of edits) {
      const digits = { F16: 2 ** -11, BF16: 2 ** -8 }[dtypes[tensor]!.dtype] ?? 0;
      tensorOf(again.model!.graph, tensor).data.forEach((v, i) => {
        assert.ok(Math.abs(v - write[i]!) <= digits * Math.abs(write[i]!) + 1e-7 * digits, tensor);
      });
    }
    // What is not written is the same, byte for byte.
    for (const [
      name,
      {
        data_offsets: [from, to],
      },
    ] of Object.entries(dtypes)) {
      const data = (file: Uint8Array) => {
        const start = 8 + Buffer.from(file).readUInt32LE(0);
        return Buffer.from(file.subarray(start + from, start + to));
      };
      if (!floats.includes(name)) assert.deepEqual(data(after), data(bytes), name);
    }
  });

  const headerOf = (file: Uint8Array) => {
    const text = Buffer.from(file.subarray(8, 8 + Buffer.from(file).readUInt32LE(0))).toString();
    const { __metadata__, ...entries } = JSON.parse(text);
    return entries as Record<
      string,
      { dtype: string; shape: number[]; data_offsets: [number, number] }
    >;
  };
});
