import assert from "node:assert/strict";
import { Reader } from "#core/data/reader.ts";
import { openZip } from "#core/data/zip.ts";
import { layersOf } from "#core/explain/layers.ts";
import type { Edit } from "#core/formats/edits.ts";
import { noSiblings } from "#core/formats/format.ts";
import { editConfig, refreshShapes } from "#core/formats/keras/editConfig.ts";
import { openHdf5 } from "#core/formats/keras/hdf5/hdf5.ts";
import { keras } from "#core/formats/keras/keras.ts";
import { openKeras } from "#core/formats/keras/read.ts";
import { loadWeights } from "#core/formats/weights.ts";
import type { Tensor } from "#core/ir/tensor.ts";
import { verify } from "#core/ir/verify.ts";
import { describe as show } from "#core/problem.ts";
import { maskUnits } from "#core/prune/mask.ts";
import { planPrune, type UnitSet } from "#core/prune/plan.ts";
import { random } from "#core/random.ts";
import * as k from "./kerasSupport.ts";
import { bytesOf, sourceOf } from "./support.ts";

const sample = (shape: readonly number[], seed: number): Tensor => {
  const next = random(seed).normal;
  const size = shape.reduce((a, b) => a * b, 1);
  return { dtype: "float32", shape, data: Float64Array.from({ length: size }, next) };
};

/** Prunes a file; the new one must be read back and compute what masking the units computes. */
async function pruned(file: string, sets: readonly UnitSet[]): Promise<Uint8Array> {
  const bytes = k.fixtureBytes(file);
  const model = await k.opened(bytes, file);
  const planned = planPrune(model.graph, sets);
  assert.ok("plan" in planned, "refusal" in planned ? planned.refusal.because : "");
  const { plan } = planned;
  const edited = await keras.applyEdits(sourceOf(bytes, file), noSiblings, plan.edits);
  assert.deepEqual(edited.problems.map(show), []);
  const after = await bytesOf(edited.file!.pieces());
  assert.equal(after.length, edited.file!.size);
  const again = await k.opened(after, file);
  assert.equal(again.parameters, edited.model!.parameters);
  await loadWeights(edited.model!.graph);
  verify(edited.model!.graph);

  const [, ...shape] = model.graph.inputs[0]!.shape as number[];
  const inputs = model.graph.inputs.map((_, i) => sample([2, ...shape], i + 1));
  const expected = k.run(
    k.bound({ ...model, graph: maskUnits(model.graph, plan.masks) }, 2),
    inputs,
  );
  k.run(k.bound(again, 2), inputs).forEach((y, i) => {
    k.assertClose(y, expected[i]!, 1e-6, `output ${i} of ${file}`);
  });
  return after;
}

const cuts: readonly UnitSet[] = [
  { layer: "conv1", units: [1] },
  { layer: "conv2", units: [0, 3] },
  { layer: "hidden", units: [2, 5] },
];

describe("edits of Keras models", () => {
  for (const file of ["cnn.keras", "cnn.h5"])
    it(`prunes ${file} to what masking computes`, async () => {
      const bytes = await pruned(file, cuts);
      const { config } = await openKeras(sourceOf(bytes, file));
      const text = JSON.stringify(config);
      assert.match(text, /"name":"conv1".*?"filters":3/);
      assert.match(text, /"name":"conv2".*?"filters":3/);
      assert.match(text, /"name":"hidden".*?"units":4/);
    });

  it("notes the new shapes where Keras makes variables by them", async () => {
    const { config } = await openKeras(sourceOf(await pruned("cnn.keras", cuts), "cnn.keras"));
    const { layers } = (config as { config: { layers: Record<string, unknown>[] } }).config;
    const noted = layers.map(
      ({ build_config: b }) => (b as { input_shape?: unknown } | undefined)?.input_shape,
    );
    assert.deepEqual(
      noted.filter((s) => s !== undefined),
      [
        [null, 10, 10, 2],
        // 8×8 maps of conv1, halved, halved again: 4 · 3 units of conv2 reach the dense layer.
        [null, 4, 4, 3],
        [null, 2, 2, 3],
        [null, 2, 2, 3],
        [null, 12],
        [null, 4],
      ],
    );
  });

  it("keeps what else is in the archive, and stores as Keras does", async () => {
    const before = await openZip(sourceOf(k.fixtureBytes("cnn.keras")));
    const bytes = await pruned("cnn.keras", cuts);
    const after = await openZip(sourceOf(bytes));
    assert.deepEqual([...after.keys()], [...before.keys()]);
    const text = async (zip: typeof before, name: string) =>
      new Reader(zip.get(name)!).takeUpTo(zip.get(name)!.limit);
    assert.deepEqual(await text(after, "metadata.json"), await text(before, "metadata.json"));
    // No compression anywhere: method 0 in each local header, which the configuration shows in the clear.
    assert.ok(Buffer.from(bytes).includes('"class_name":"Sequential"'));
  });

  it("leaves out the optimizer's state, of the old shapes, and keeps the attributes", async () => {
    const before = await openHdf5(sourceOf(k.fixtureBytes("cnn.h5")));
    assert.equal(before.members.has("optimizer_weights"), true);
    const tree = await openHdf5(sourceOf(await pruned("cnn.h5", cuts)));
    assert.equal(tree.members.has("optimizer_weights"), false);
    assert.deepEqual([...tree.attributes.keys()], [...before.attributes.keys()]);
    assert.deepEqual(await tree.attributes.get("keras_version")!.texts(), ["3.15.1"]);
    assert.deepEqual(
      await tree.members
        .get("model_weights")!
        .members.get("conv1")!
        .attributes.get("weight_names")!
        .texts(),
      ["cnn/conv1/kernel", "cnn/conv1/bias"],
    );
  });

  for (const file of [
    "nested.keras",
    "nested.h5",
    "separable.keras",
    "residual.keras",
    "transformer.keras",
  ])
    it(`prunes what can be pruned of ${file}, one layer at a time`, async () => {
      const { graph } = await k.opened(k.fixtureBytes(file), file);
      let done = 0;
      for (const { name, units } of layersOf(graph)) {
        const set = [{ layer: name, units: [units - 1] }];
        if (graph.inputs[0]!.dtype !== "float32" || "refusal" in planPrune(graph, set)) continue;
        await pruned(file, set);
        done++;
      }
      if (file === "residual.keras") assert.ok(done >= 1);
    });

  it("writes a model that nothing is cut of with all its arrays", async () => {
    const bytes = k.fixtureBytes("recurrent.h5");
    const { file, problems } = await keras.applyEdits(sourceOf(bytes), noSiblings, []);
    assert.deepEqual(problems, []);
    const flat = async (b: Uint8Array) => {
      const found: [string, readonly number[], Uint8Array][] = [];
      const walk = async (object: Awaited<ReturnType<typeof openHdf5>>, path: string) => {
        if (object.dataset) found.push([path, object.dataset.shape, await object.dataset.read()]);
        for (const [name, member] of object.members) await walk(member, `${path}/${name}`);
      };
      await walk(await openHdf5(sourceOf(b)), "");
      return found.map(([path, shape, raw]) => [path, shape, Buffer.from(raw).toString("hex")]);
    };
    assert.deepEqual(await flat(await bytesOf(file!.pieces())), await flat(bytes));
  });

  it("refuses edits that do not fit, and says where", async () => {
    const bytes = k.fixtureBytes("cnn.keras");
    const told = async (...edits: Edit[]) => {
      const { file, problems } = await keras.applyEdits(
        sourceOf(bytes, "cnn.keras"),
        noSiblings,
        edits,
      );
      assert.equal(file, undefined);
      return problems.map(show).join("; ");
    };
    assert.match(
      await told({ tensor: "nowhere/kernel", axis: 0, remove: [0] }),
      /variable nowhere\/kernel: there is no such variable/,
    );
    assert.match(
      await told({ tensor: "conv1/kernel", axis: 3, remove: [9] }),
      /ascending indices below 4/,
    );
    assert.match(
      await told({ tensor: "conv1/kernel", axis: 3, remove: [0] }),
      /layer conv1 \(Conv2D\)/,
    );
  });

  it("changes a configuration without touching the one it was given", () => {
    const config = {
      class_name: "Sequential",
      config: {
        layers: [
          { class_name: "Embedding", config: { name: "e", input_dim: 9, output_dim: 4 } },
          { class_name: "Reshape", config: { name: "r", target_shape: [2, 4] } },
          {
            class_name: "TimeDistributed",
            config: { name: "t", layer: { class_name: "Dense", config: { units: 5 } } },
          },
        ],
      },
    };
    const before = JSON.stringify(config);
    const edited = editConfig(
      config,
      new Map([
        ["e/embeddings", [9, 3]],
        ["r/target_shape", [0, 2, 3]],
        ["t/layer/kernel", [3, 4]],
      ]),
    );
    assert.equal(JSON.stringify(config), before);
    assert.deepEqual(
      JSON.stringify(refreshShapes(edited, new Map())),
      before
        .replace('"output_dim":4', '"output_dim":3')
        .replace("[2,4]", "[2,3]")
        .replace('"units":5', '"units":4'),
    );
  });
});
