import assert from "node:assert/strict";
import { join } from "node:path";
import fc from "fast-check";
import { tfjs } from "#core/formats/tfjs/tfjs.ts";
import { loadWeights } from "#core/formats/weights.ts";
import { runs } from "../../support/fuzzing.ts";
import * as f from "./support.ts";
import * as t from "./tfjsSupport.ts";

type Json = { [key: string]: unknown };

const cnn = () => t.filesOf(join(t.fixtures, "cnn"));

const modelOf = (files: t.Files): Json =>
  JSON.parse(Buffer.from(files.get("model.json")!).toString("utf8"));

const withModel = (files: t.Files, model: unknown): t.Files =>
  new Map(files).set("model.json", new TextEncoder().encode(JSON.stringify(model)));

/** Whatever the files, an answer: a whole model, or problems with places. Its weights can be read. */
async function survives(files: t.Files): Promise<string> {
  const { model, problems } = await t.open(files);
  assert.ok(model !== undefined || problems.length > 0);
  for (const p of problems)
    assert.ok(
      p.at.file === "model.json" && p.message.length > 0 && p.at.place !== undefined,
      f.lines([p])[0],
    );
  if (model !== undefined) {
    assert.equal(model.partial, problems.length > 0);
    await loadWeights(model.graph);
  }
  const name = model?.facts.dialect === "tfjs layers model" ? "conv/kernel" : "Conv2D/filter";
  const edit = { tensor: name, axis: 3, remove: [0] };
  const edited = await tfjs.applyEdits(t.sourceIn(files), t.besides(files), [edit]);
  assert.ok(edited.file !== undefined || edited.problems.length > 0);
  return f.lines(problems).join("; ");
}

/** A small Sequential model, as Keras and the converter write it. */
function layers(): t.Files {
  const dense = (name: string, units: number) => ({
    class_name: "Dense",
    config: { name, units, activation: "relu", use_bias: true, trainable: true },
  });
  const stack = [
    {
      class_name: "Conv2D",
      config: {
        name: "conv",
        batch_input_shape: [null, 4, 4, 1],
        dtype: "float32",
        filters: 2,
        kernel_size: [3, 3],
        strides: [1, 1],
        padding: "same",
        activation: "relu",
        use_bias: true,
      },
    },
    { class_name: "MaxPooling2D", config: { name: "pool", pool_size: [2, 2], strides: [2, 2] } },
    { class_name: "Flatten", config: { name: "flatten" } },
    dense("hidden", 3),
    { class_name: "Dropout", config: { name: "dropout", rate: 0.5 } },
    dense("classes", 2),
  ];
  const weights = [
    { name: "conv/kernel", shape: [3, 3, 1, 2], dtype: "float32" },
    { name: "conv/bias", shape: [2], dtype: "float32" },
    { name: "hidden/kernel", shape: [8, 3], dtype: "float32" },
    { name: "hidden/bias", shape: [3], dtype: "float32" },
    { name: "classes/kernel", shape: [3, 2], dtype: "float32" },
    { name: "classes/bias", shape: [2], dtype: "float32" },
  ];
  const model_config = { class_name: "Sequential", config: { name: "small", layers: stack } };
  const model = {
    format: "layers-model",
    modelTopology: { keras_version: "2.15.0", backend: "tensorflow", model_config },
    weightsManifest: [{ paths: ["weights.bin"], weights }],
  };
  return withModel(new Map([["weights.bin", new Uint8Array(4 * 55)]]), model);
}

const junk = fc.oneof(
  fc.constantFrom<unknown>(null, "", "x", -1, 0, 1e300, "9999999999999", "NaN", true, [], {}, [[]]),
  fc.integer({ min: -5, max: 40 }),
  fc.string({ maxLength: 6 }),
);

/** Every place in a JSON value, as the keys that lead there. */
function places(value: unknown, path: string[] = []): string[][] {
  if (typeof value !== "object" || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([k, v]) => places(v, [...path, k]))];
}

function put(value: unknown, path: readonly string[], what: unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return what;
  const copy: Json = Array.isArray(value)
    ? (Object.assign([], value) as unknown as Json)
    : { ...(value as Json) };
  if (rest.length === 0 && what === undefined) delete copy[key];
  else copy[key] = put(copy[key], rest, what);
  return copy;
}

describe("hostile TensorFlow.js models", () => {
  it("leaves other JSON files alone", () => {
    const head = (text: string) => new TextEncoder().encode(text);
    const is = (text: string, name = "model.json") => tfjs.match(head(text), name);
    assert.equal(is('{"format": "graph-model", "generatedBy": "2.4"'), true);
    assert.equal(is(' \n{"modelTopology": {'), true);
    assert.equal(is('{"weightsManifest": ['), true);
    assert.equal(is('{"modelTopology": {', "model.txt"), false);
    assert.equal(is('{"parent": "block/cube_all", "textures": {}}'), false);
    assert.equal(is('[{"modelTopology": 1}]'), false);
    assert.equal(is(""), false);
  });

  for (const [kind, make] of Object.entries({ graph: cnn, layers }))
    it(`survives a model.json of a ${kind} model with changed values`, async () => {
      const files = make();
      assert.equal(await survives(files), "");
      const model = modelOf(files);
      const all = places(model);
      const change = fc.array(
        fc.tuple(fc.nat(all.length - 1), fc.option(junk, { nil: undefined })),
        {
          minLength: 1,
          maxLength: 3,
        },
      );
      await fc.assert(
        fc.asyncProperty(change, async (changes) => {
          let changed: unknown = model;
          for (const [at, what] of changes) {
            const path = all[at]!;
            const parent = path
              .slice(0, -1)
              .reduce<unknown>((v, k) => (v as Json | undefined)?.[k], changed);
            if (typeof parent === "object" && parent !== null) changed = put(changed, path, what);
          }
          await survives(withModel(files, changed));
        }),
        { seed: 30, numRuns: runs(600) },
      );
    }).timeout(runs(120_000));

  it("survives changed bytes of the model.json", async () => {
    const files = cnn();
    const bytes = files.get("model.json")!;
    const change = fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.integer({ min: 32, max: 126 })), {
      minLength: 1,
      maxLength: 3,
    });
    await fc.assert(
      fc.asyncProperty(change, async (changes) => {
        const changed = bytes.slice();
        for (const [at, value] of changes) changed[at] = value;
        await survives(new Map(files).set("model.json", changed));
      }),
      { seed: 31, numRuns: runs(300) },
    );
  }).timeout(runs(120_000));

  it("reports a model.json cut off anywhere, and shards of any other length", async () => {
    const files = cnn();
    const [json, shard] = [files.get("model.json")!, files.get("weights.bin")!];
    for (let n = 0; n < json.length; n += 331)
      assert.notEqual(await survives(new Map(files).set("model.json", json.subarray(0, n))), "");
    for (let n = 0; n < shard.length; n += 40)
      assert.match(
        await survives(new Map(files).set("weights.bin", shard.subarray(0, n))),
        /ends at byte \d+ of its files, which have \d+/,
      );
    const longer = new Map(files).set("weights.bin", joined(shard, new Uint8Array(3)));
    assert.match(
      await survives(longer),
      /weightsManifest\[0\]: its files have 1683 bytes, its weights only 1680/,
    );
  }).timeout(runs(60_000));

  it("refuses shards outside of the model's folder, and tells of missing ones", async () => {
    const files = cnn();
    const manifest = (paths: unknown) => {
      const model = modelOf(files);
      const [group] = model.weightsManifest as Json[];
      return withModel(files, { ...model, weightsManifest: [{ ...group, paths }] });
    };
    for (const path of ["../weights.bin", "/etc/passwd", "C:\\w", "a\\b", "a/../../b", "w\0", ""])
      assert.match(
        await survives(manifest([path])),
        /shard .*: its path .*: weights must be beside/,
      );
    assert.match(
      await survives(manifest(["no.bin"])),
      /shard no.bin: this file of weights is missing/,
    );
    assert.match(await survives(manifest("weights.bin")), /ends at byte/);
    assert.match(await survives(manifest([1])), /a group needs paths and weights/);
  });

  it("refuses weights that the manifest describes wrongly", async () => {
    const files = cnn();
    const refusal = async (change: Json) => {
      const model = modelOf(files);
      const [group] = model.weightsManifest as { weights: Json[] }[];
      const weights = group!.weights.map((w, i) => (i === 0 ? { ...w, ...change } : w));
      return survives(withModel(files, { ...model, weightsManifest: [{ ...group, weights }] }));
    };
    const cases: [Json, RegExp][] = [
      [{ dtype: "float12" }, /element type "float12" is not supported/],
      [{ dtype: "complex64" }, /element type "complex64" is not supported/],
      [{ shape: [-1] }, /its shape is not a list of numbers from 0/],
      [{ shape: "3" }, /its shape is not a list/],
      [{ shape: [2 ** 40, 2 ** 40] }, /its size is absurd/],
      [{ quantization: { dtype: "uint8" } }, /quantisation to uint8 lacks scale and min/],
      [{ quantization: { dtype: "int4" } }, /quantisation to "int4" is unknown/],
      [
        { dtype: "bool", quantization: { dtype: "float16" } },
        /float16 is for float32, not for bool/,
      ],
    ];
    for (const [change, message] of cases) assert.match(await refusal(change), message);
  });

  it("refuses cycles, names given twice and nodes that are not there", async () => {
    const files = cnn();
    const told = async (change: (nodes: Json[]) => Json[]) => {
      const model = modelOf(files);
      const topology = model.modelTopology as { node: Json[] };
      const node = change(topology.node);
      return survives(withModel(files, { ...model, modelTopology: { ...topology, node } }));
    };
    assert.match(
      await told((nodes) =>
        nodes.map((n) => (n.op === "MaxPool" ? { ...n, input: ["Softmax"] } : n)),
      ),
      /the graph is a cycle/,
    );
    assert.match(await told((nodes) => [...nodes, nodes[0]!]), /the name is given to two nodes/);
    assert.match(
      await told((nodes) => nodes.map((n) => (n.op === "MaxPool" ? { ...n, input: ["gone"] } : n))),
      /node MaxPool2d: its input "gone:0" is not defined anywhere|node \S+: its input "gone:0"/,
    );
    assert.match(
      await told((nodes) => nodes.map((n) => (n.op === "MaxPool" ? { ...n, op: "Magic" } : n))),
      /operation Magic is not supported/,
    );
  });
});

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const whole = new Uint8Array(a.length + b.length);
  whole.set(a);
  whole.set(b, a.length);
  return whole;
}
