import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { layersOf } from "#core/explain/layers.ts";
import { layerClasses } from "#core/formats/keras/layers/table.ts";
import { loadWeights } from "#core/formats/weights.ts";
import type { Tensor } from "#core/ir/tensor.ts";
import { showType } from "#core/ir/tensor.ts";
import { describe as show } from "#core/problem.ts";
import * as k from "./kerasSupport.ts";
import { sourceOf } from "./support.ts";

/** Keras computes in float32, the reference runtime in float64 with the same weights. */
const TOLERANCE = 1e-4;

const REFUSED = ["lambda.keras", "masked.keras", "channelsFirst.keras"];

describe("Keras models", () => {
  let expected: ReadonlyMap<string, Tensor>;
  before(async () => {
    expected = await k.arraysOf(sourceOf(k.fixtureBytes("expected.npz"), "expected.npz"));
  });

  const arrays = (file: string, what: string): readonly Tensor[] => {
    const found: Tensor[] = [];
    for (let i = 0; expected.has(`${file}/${what}${i}`); i++)
      found.push(expected.get(`${file}/${what}${i}`)!);
    return found;
  };

  const files = readdirSync(k.folder).filter(
    (f) => /\.(keras|h5)$/.test(f) && !REFUSED.includes(f),
  );
  for (const file of files)
    it(`computes ${file} and its gradients as Keras does`, async () => {
      const model = await k.opened(k.fixtureBytes(file), file);
      const [inputs, outputs] = [arrays(file, "input"), arrays(file, "output")];
      const graph = k.bound(model, inputs[0]!.shape[0]!);
      const found = k.run(graph, inputs);
      assert.equal(found.length, outputs.length);
      outputs.forEach((y, i) => {
        k.assertClose(found[i], y, TOLERANCE, `output ${i}`);
      });
      const wanted = arrays(file, "gradient");
      if (wanted.length === 0) return;
      const gradients = k.gradients(graph, inputs, arrays(file, "cotangent"));
      assert.equal(gradients.length, wanted.length);
      wanted.forEach((g, i) => {
        k.assertClose(gradients[i], g, TOLERANCE, `gradient ${i}`);
      });
    }).timeout(30_000);

  it("takes maps with channels first", async () => {
    const file = "channelsFirst.keras";
    const model = await k.opened(k.fixtureBytes(file), file);
    const [x] = arrays(file, "input");
    const [y] = k.run(k.bound(model, x!.shape[0]!), [x!]);
    k.assertClose(y, arrays(file, "output")[0]!, TOLERANCE, "output");
  });

  it("says what it read", async () => {
    const { facts, graph, parameters, format } = await k.opened(
      k.fixtureBytes("cnn.keras"),
      "cnn.keras",
    );
    assert.deepEqual(
      {
        format,
        dialect: facts.dialect,
        producer: facts.producer,
        inputs: graph.inputs.map(showType),
        outputs: graph.outputs.map(showType),
        // 4·19 + 5·37 + 3·5 (no gamma) + (20 + 1)·6 + 7·3
        parameters,
      },
      {
        format: "keras",
        dialect: "keras 3.15.1, .keras",
        producer: "keras 3.15.1",
        inputs: ["float32[N, 10, 10, 2]"],
        outputs: ["float32[N, 3]"],
        parameters: 76 + 185 + 15 + 126 + 21,
      },
    );
  });

  it("knows layers by their names, in nested models by the way to them", async () => {
    const names = async (file: string) =>
      layersOf((await k.opened(k.fixtureBytes(file), file)).graph).map((l) => l.name);
    assert.deepEqual(await names("cnn.h5"), ["conv1", "conv2", "hidden", "classes"]);
    assert.deepEqual(await names("separable.keras"), [
      "depth1",
      "point1",
      "sep",
      "sep#2",
      "squeeze",
      "classes",
    ]);
    for (const file of ["nested.keras", "nested.h5"])
      assert.ok((await names(file)).includes("deep/block/conv"), file);
  });

  it("reads up to a Lambda, which it never runs", async () => {
    const { model, problems } = await k.openBytes(k.fixtureBytes("lambda.keras"), "lambda.keras");
    assert.deepEqual(problems.map(show), [
      "lambda.keras, layer python (Lambda): Lambda: a Lambda holds Python code, which is never run, so it is not supported: the model is read up to there",
    ]);
    assert.ok(model?.partial);
    assert.deepEqual(model.graph.outputs.map(showType), ["float32[N, 2, 3, 3]"]);
    assert.equal(model.ownOutputs, 0);
    assert.deepEqual(model.ends, [{ at: problems[0]!.at.place, values: model.graph.outputs }]);
    await loadWeights(model.graph);
    assert.deepEqual(
      layersOf(model.graph).map((l) => l.name),
      ["before"],
    );
  });

  it("refuses to pass over a mask that a layer obeys", async () => {
    const { problems } = await k.openBytes(k.fixtureBytes("masked.keras"), "masked.keras");
    assert.deepEqual(problems.map(show), [
      "masked.keras, layer obeys (LSTM): LSTM: it obeys the mask of an Embedding or Masking layer, which is not supported: the model is read up to there",
    ]);
  });

  it("has a layer class for each of keras.applications", () => {
    const classes = `Conv2D BatchNormalization Activation GlobalAveragePooling2D MaxPooling2D Dense
      AveragePooling2D SeparableConv2D GlobalMaxPooling2D ZeroPadding2D ReLU Dropout Rescaling
      LayerNormalization DepthwiseConv2D Concatenate Reshape Add Normalization Flatten Multiply Cropping2D`;
    assert.deepEqual(
      classes.split(/\s+/).filter((c) => !layerClasses.includes(c)),
      [],
    );
  });
});
