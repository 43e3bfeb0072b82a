import assert from "node:assert/strict";
import { join } from "node:path";
import "@tensorflow/tfjs-backend-cpu";
import { type GraphModel, loadGraphModel } from "@tensorflow/tfjs-converter";
import * as tf from "@tensorflow/tfjs-core";
import { layersOf } from "#core/explain/layers.ts";
import { tfjs } from "#core/formats/tfjs/tfjs.ts";
import { float32 } from "#core/ir/tensor.ts";
import { maskUnits } from "#core/prune/mask.ts";
import { planPrune } from "#core/prune/plan.ts";
import { evaluate } from "#core/runtime/reference.ts";
import { assertNear } from "../../support/numbers.ts";
import * as f from "./support.ts";
import * as t from "./tfjsSupport.ts";

/** What TensorFlow.js itself computes with the files. */
async function inTensorFlowJs(files: t.Files, x: t.Expected["input"]): Promise<Float32Array> {
  await tf.setBackend("cpu");
  const model: GraphModel = await loadGraphModel(t.artifacts(files) as tf.io.IOHandler);
  const y = model.predict(tf.tensor([...x.data], [...x.shape])) as tf.Tensor;
  return (await y.data()) as Float32Array;
}

describe("pruned TensorFlow.js graph models", () => {
  for (const [name, layer, units] of [
    ["cnn", 0, [1, 3]],
    ["cnn", 2, [0, 4]],
    // Units 0 to 3 are those of the shortcut, 4 and 5 are padded.
    ["padded", 1, [1]],
    ["padded", 1, [5]],
    ["padded", 1, [2, 4]],
  ] as const)
    it(`TensorFlow.js loads ${name} without units ${units} of layer ${layer}`, async () => {
      const folder = join(t.fixtures, name);
      const files = t.filesOf(folder);
      const { graph } = await t.openWell(files);
      const { input } = t.expectedOf(folder);
      const layers = layersOf(graph);
      const planned = planPrune(graph, [{ layer: layers[layer]!.name, units }]);
      assert.ok("plan" in planned, "refusal" in planned ? planned.refusal.because : "");
      const { edits, masks } = planned.plan;
      const edited = await tfjs.applyEdits(t.sourceIn(files), t.besides(files), edits);
      const after = await t.written(files, edited);

      const masked = t.bound(maskUnits(graph, masks), 2);
      const x = float32(input.shape, input.data);
      const [expected] = evaluate(masked.outputs, new Map([[masked.inputs[0]!, x]]));
      assertNear(await inTensorFlowJs(after, input), expected!.data, 1e-5, "TensorFlow.js");

      const read = await t.openWell(after);
      const pruned = t.bound(read.graph, 2);
      const [own] = evaluate(pruned.outputs, new Map([[pruned.inputs[0]!, x]]));
      assertNear(own!.data, expected!.data, 1e-6, "Kaibo");
      assert.equal(layersOf(read.graph)[layer]!.units, layers[layer]!.units - units.length);
    });

  for (const dtype of ["float16", "uint8", "uint16"] as const)
    it(`keeps ${dtype} weights as they are stored, in shards as long as before`, async () => {
      const files = sharded(quantised(t.filesOf(join(t.fixtures, "cnn")), dtype), 300);
      const { graph, facts } = await t.openWell(files);
      assert.deepEqual(facts.widened, [dtype]);
      const { input } = t.expectedOf(join(t.fixtures, "cnn"));
      const before = t.bound(graph, 2);
      const x = float32(input.shape, input.data);
      const [whole] = evaluate(before.outputs, new Map([[before.inputs[0]!, x]]));
      assertNear(await inTensorFlowJs(files, input), whole!.data, 1e-5, "as it is");

      const planned = planPrune(graph, [{ layer: layersOf(graph)[0]!.name, units: [2] }]);
      assert.ok("plan" in planned);
      const { edits, masks } = planned.plan;
      const edited = await tfjs.applyEdits(t.sourceIn(files), t.besides(files), edits);
      const after = await t.written(files, edited);
      const lengths = edited.others!.map((o) => o.file.size);
      assert.ok(lengths.length > 1 && lengths.slice(0, -1).every((n) => n === 300), lengths.join());
      const masked = t.bound(maskUnits(graph, masks), 2);
      const [expected] = evaluate(masked.outputs, new Map([[masked.inputs[0]!, x]]));
      assertNear(await inTensorFlowJs(after, input), expected!.data, 1e-5, "TensorFlow.js");
    });

  it("edits a target that is put together from stored numbers", async () => {
    const files = packed(t.filesOf(join(t.fixtures, "cnn")));
    const { graph } = await t.openWell(files);
    const { input } = t.expectedOf(join(t.fixtures, "cnn"));
    const units = t.bound(graph, 2);
    const x = float32(input.shape, input.data);
    const edit = (n: number) => ({ tensor: "packed", replace: [-1, n] });
    const wrong = await tfjs.applyEdits(t.sourceIn(files), t.besides(files), [edit(21)]);
    assert.match(f.lines(wrong.problems).join(), /node Reshape: Reshape: /);
    const edited = await tfjs.applyEdits(t.sourceIn(files), t.besides(files), [edit(20)]);
    const after = await t.written(files, edited);
    const [y] = evaluate(units.outputs, new Map([[units.inputs[0]!, x]]));
    assertNear(await inTensorFlowJs(after, input), y!.data, 1e-5);
  });

  it("has the files of groups that nothing was edited of, as they are", async () => {
    const files = grouped(t.filesOf(join(t.fixtures, "cnn")));
    const { graph } = await t.openWell(files);
    const last = layersOf(graph).at(-2)!;
    const planned = planPrune(graph, [{ layer: last.name, units: [0] }]);
    assert.ok("plan" in planned);
    const { edits } = planned.plan;
    const { others } = await tfjs.applyEdits(t.sourceIn(files), t.besides(files), edits);
    const unchanged = others!.filter((o) => o.unchanged);
    assert.ok(unchanged.length > 0 && unchanged.length < others!.length);
    for (const { path, file } of unchanged)
      assert.deepEqual(await f.bytesOf(file.pieces()), files.get(path));
    const names = new Set(others!.map((o) => o.path));
    assert.equal(names.size, files.size - 1);
  });

  it("leaves the old shard where it is and names the new one by its content", async () => {
    const files = t.filesOf(join(t.fixtures, "cnn"));
    const { graph } = await t.openWell(files);
    const kernel = layersOf(graph)[0]!;
    const planned = planPrune(graph, [{ layer: kernel.name, units: [0] }]);
    assert.ok("plan" in planned);
    const edit = () => tfjs.applyEdits(t.sourceIn(files), t.besides(files), planned.plan.edits);
    const [{ others: first }, { others: second }] = [await edit(), await edit()];
    assert.equal(first!.length, 1);
    assert.match(first![0]!.path, /^weights-[0-9a-f]{8}\.bin$/);
    assert.equal(second![0]!.path, first![0]!.path);
    // A file of that name and other content is never replaced.
    const taken = new Map(files).set(first![0]!.path, Uint8Array.of(1));
    const { others } = await tfjs.applyEdits(
      t.sourceIn(taken),
      t.besides(taken),
      planned.plan.edits,
    );
    assert.equal(others![0]!.path, first![0]!.path.replace(".bin", "-2.bin"));
  });

  it("refuses edits of what is not there", async () => {
    const files = t.filesOf(join(t.fixtures, "cnn"));
    const edit = { tensor: "nothing", axis: 0, remove: [0] };
    const { file, problems } = await tfjs.applyEdits(t.sourceIn(files), t.besides(files), [edit]);
    assert.equal(file, undefined);
    assert.match(f.lines(problems).join(), /weight nothing: there is no such weight/);
  });
});

interface Entry {
  name: string;
  shape: number[];
  dtype: string;
  quantization?: { dtype: string; scale?: number; min?: number };
}

/** The files with the weights of rank 2 and more stored in fewer bits, as TensorFlow.js's converter does. */
function quantised(files: t.Files, dtype: "float16" | "uint8" | "uint16"): t.Files {
  return rewritten(files, (entry, bytes) => {
    if (entry.dtype !== "float32" || entry.shape.length < 2) return { entry, bytes };
    const values = new Float32Array(bytes.slice().buffer);
    if (dtype === "float16") {
      const codes = Uint16Array.from(values, half);
      return { entry: { ...entry, quantization: { dtype } }, bytes: f.bytesLE(codes) };
    }
    const [min, max] = [Math.min(...values), Math.max(...values)];
    const scale = (max - min) / (dtype === "uint8" ? 255 : 65535);
    const codes = Array.from(values, (v) => Math.round((v - min) / scale));
    const stored = dtype === "uint8" ? Uint8Array.from(codes) : Uint16Array.from(codes);
    return { entry: { ...entry, quantization: { dtype, scale, min } }, bytes: f.bytesLE(stored) };
  });
}

/** float32 to binary16, normal numbers only, rounded to the nearest. */
function half(value: number): number {
  const exponent = Math.max(-14, Math.floor(Math.log2(Math.abs(value))));
  const fraction = Math.round((Math.abs(value) / 2 ** exponent) * 1024) - 1024;
  return (value < 0 ? 0x8000 : 0) + ((exponent + 15) << 10) + fraction;
}

function rewritten(
  files: t.Files,
  change: (entry: Entry, bytes: Uint8Array) => { entry: Entry; bytes: Uint8Array },
): t.Files {
  const model = JSON.parse(Buffer.from(files.get("model.json")!).toString("utf8"));
  const [group] = model.weightsManifest as { weights: Entry[] }[];
  const content = files.get("weights.bin")!;
  let at = 0;
  const parts = group!.weights.map((entry) => {
    const size = entry.shape.reduce((a, b) => a * b, 4);
    at += size;
    return change(entry, content.subarray(at - size, at));
  });
  model.weightsManifest = [{ paths: ["weights.bin"], weights: parts.map((p) => p.entry) }];
  return new Map(files)
    .set("model.json", new TextEncoder().encode(JSON.stringify(model)))
    .set("weights.bin", new Uint8Array(Buffer.concat(parts.map((p) => p.bytes))));
}

function sharded(files: t.Files, length: number): t.Files {
  const model = JSON.parse(Buffer.from(files.get("model.json")!).toString("utf8"));
  const content = files.get("weights.bin")!;
  const count = Math.ceil(content.length / length);
  const paths = f.range(count).map((i) => `group1-shard${i + 1}of${count}.bin`);
  model.weightsManifest[0].paths = paths;
  const result = new Map<string, Uint8Array>([
    ["model.json", new TextEncoder().encode(JSON.stringify(model))],
  ]);
  for (const [i, path] of paths.entries())
    result.set(path, content.subarray(i * length, (i + 1) * length));
  return result;
}

/** A group for each weight. */
function grouped(files: t.Files): t.Files {
  const model = JSON.parse(Buffer.from(files.get("model.json")!).toString("utf8"));
  const content = files.get("weights.bin")!;
  const weights = model.weightsManifest[0].weights as { shape: number[]; dtype: string }[];
  let end = 0;
  const parts = weights.map(({ shape, dtype }) => {
    const from = end;
    end += shape.reduce((a, b) => a * b, dtype === "bool" ? 1 : 4);
    return content.subarray(from, end);
  });
  model.weightsManifest = weights.map((w, i) => ({ paths: [`group${i}.bin`], weights: [w] }));
  return new Map([
    ["model.json", new TextEncoder().encode(JSON.stringify(model))],
    ...parts.map((part, i) => [`group${i}.bin`, part] as const),
  ]);
}

/** The target of the Reshape as a Pack of two scalars, as Keras writes Flatten. */
function packed(files: t.Files): t.Files {
  const model = JSON.parse(Buffer.from(files.get("model.json")!).toString("utf8"));
  const { node } = model.modelTopology as {
    node: { name: string; op: string; input?: string[] }[];
  };
  const [type, shape] = [{ type: "DT_INT32" }, { shape: {} }];
  for (const name of ["open", "flat"])
    node.unshift({
      name,
      op: "Const",
      attr: { dtype: type, value: { tensor: { tensorShape: shape } } },
    } as never);
  node.push({
    name: "packed",
    op: "Pack",
    input: ["open", "flat"],
    attr: { axis: { i: "0" }, N: { i: "2" }, T: type },
  } as never);
  node.find((n) => n.op === "Reshape")!.input![1] = "packed";
  const [group] = model.weightsManifest;
  group.weights.push(...["open", "flat"].map((name) => ({ name, shape: [], dtype: "int32" })));
  const content = Buffer.concat([files.get("weights.bin")!, f.bytesLE(Int32Array.of(-1, 20))]);
  return new Map(files)
    .set("model.json", new TextEncoder().encode(JSON.stringify(model)))
    .set("weights.bin", new Uint8Array(content));
}
