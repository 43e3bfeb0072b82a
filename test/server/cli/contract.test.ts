import assert from "node:assert/strict";
import { copyFileSync } from "node:fs";
import type { Importance, ImportanceIndex } from "#protocol/views/importance.ts";
import type { ModelView } from "#protocol/views/model.ts";
import { json, kaibo } from "../../support/kaibo.ts";
import { assertRelative } from "../../support/numbers.ts";
import { expectedBy, mnistCnn, pytorchFile } from "../../support/pytorch.ts";
import { temporaryFolder } from "../../support/temporary.ts";

const MODEL = mnistCnn.model;
const IMAGES = mnistCnn.data.data;
const SCALE = ["--scale", String(1 / 255)];
const DIGITS = ["--data", IMAGES, ...SCALE, "--processes", "1"];

describe("kaibo inspect", function () {
  this.timeout(60_000);

  it("gives the model's structure as JSON", async () => {
    const view = json<ModelView & { model: string }>(await kaibo(["inspect", MODEL, "--json"]));
    assert.equal(view.model, MODEL);
    assert.equal(view.name, "mnist-cnn.onnx");
    assert.deepEqual(
      view.layers.map(({ name, op, units, output }) => [name, op, units, output]),
      [
        ["conv1", "Conv", 8, false],
        ["conv2", "Conv", 16, false],
        ["fc1", "Gemm", 32, false],
        ["fc2", "Gemm", 10, true],
      ],
    );
    assert.deepEqual(view.inputs, [{ name: "x", dtype: "float32", shape: ["N", 1, 28, 28] }]);
    assert.deepEqual(view.outputs, [{ name: "y", dtype: "float32", shape: ["N", 10] }]);
    assert.equal(
      view.parameters,
      view.layers.reduce((n, l) => n + l.parameters, 0),
    );
    // 24² positions × 8 × 5², 10² × 16 × 8 × 3², 5² · 16 × 32, 32 × 10.
    assert.equal(view.macs, 576 * 200 + 100 * 1152 + 400 * 32 + 320);
    assert.deepEqual(view.problems, []);
  });

  it("prints a line for every layer", async () => {
    const { code, stdout, stderr } = await kaibo(["inspect", MODEL]);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
    assert.match(stdout, /^mnist-cnn\.onnx {2}\(onnx, opset 17; [\d,]+ parameters; [\d,]+ MAC\)/);
    assert.match(stdout, /^layer {3}conv1 {2}Conv 5x5 {2}1 -> 8 {2}Relu/m);
  });
});

describe("kaibo list", function () {
  this.timeout(60_000);

  it("gives the listing and the structure as JSON", async () => {
    const found = json<{ model: string; listing: string; view: ModelView }>(
      await kaibo(["list", MODEL, "--json"]),
    );
    assert.equal(found.model, MODEL);
    assert.equal(found.view.layers.length, 4);
    assert.match(found.listing, /conv1/);
    const { stdout } = await kaibo(["list", MODEL]);
    assert.equal(stdout, found.listing);
  });

  it("carries the importance when there is data", async () => {
    const plain = await kaibo(["list", MODEL]);
    const measured = await kaibo(["list", MODEL, ...DIGITS]);
    assert.equal(measured.code, 0);
    assert.notEqual(measured.stdout, plain.stdout);
  });
});

describe("kaibo importance", function () {
  this.timeout(60_000);
  const folder = temporaryFolder();
  after(() => folder.remove());

  it("gives every number of the contract as JSON", async () => {
    const found = json<Importance & { model: string; seconds: number }>(
      await kaibo(["importance", MODEL, ...DIGITS, "--json"]),
    );
    assert.deepEqual(
      [found.model, found.data, found.samples, found.outputs],
      [MODEL, IMAGES, 200, "probabilities"],
    );
    assert.equal(found.accuracy, expectedBy(mnistCnn).accuracy);
    assert.ok(found.seconds > 0);
    assert.deepEqual(found.input.shape, [1, 28, 28]);
    assert.equal(found.input.importance.length, 784);
    assert.deepEqual(
      found.layers.map(({ name, op, units, index }) => [name, op, units, index]),
      [
        ["conv1", "Conv", 8, "gate"],
        ["conv2", "Conv", 16, "gate"],
        ["fc1", "Gemm", 32, "scaled"],
        ["fc2", "Gemm", 10, "scaled"],
      ],
    );
    for (const layer of found.layers) {
      const { importance, sigma, gate, scaled, meanAbs, meanSquare, active } = layer;
      for (const numbers of [importance, sigma, gate, scaled, meanAbs, meanSquare, active]) {
        assert.equal(numbers.length, layer.units);
        assert.ok(numbers.every((v) => Number.isFinite(v) && v >= 0));
      }
      assert.deepEqual(importance, layer[layer.index as ImportanceIndex]);
      assert.deepEqual(
        layer.contribution.map((c) => c.length),
        new Array(10).fill(layer.units),
      );
    }
  });

  it("prints a ranked table of every layer, the samples and the time", async () => {
    const { code, stdout, stderr } = await kaibo(["importance", MODEL, ...DIGITS]);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
    for (const name of ["conv1", "conv2", "fc1", "fc2"])
      assert.match(stdout, new RegExp(`^${name} .* ranked by `, "m"));
    assert.match(stdout, /^ +1 {2}conv2\/\d+ /m);
    assert.match(stdout, /\n200 samples; accuracy 0\.\d{4}; \d+\.\d\d s\n$/);
  });

  it("ranks by the index that is asked for, in the layers that are asked for", async () => {
    const found = json<Importance>(
      await kaibo([
        ...["importance", MODEL, ...DIGITS, "--json"],
        ...["--index", "sigma", "--layers", "conv2,fc1", "--outputs", "logits"],
      ]),
    );
    assert.deepEqual(
      found.layers.map((l) => [l.name, l.index]),
      [
        ["conv2", "sigma"],
        ["fc1", "sigma"],
      ],
    );
    const expected = expectedBy(mnistCnn).logits.layers.find((l) => l.name === "conv2")!;
    assertRelative(found.layers[0]!.importance, expected.sigma, { tolerance: 1e-4 });
  });

  it("reads only the first samples with --limit", async () => {
    const found = json<Importance>(
      await kaibo(["importance", MODEL, ...DIGITS, "--limit", "30", "--json"]),
    );
    assert.equal(found.samples, 30);
  });

  it("takes labels from another file", async () => {
    const data = folder.file("digits.gz");
    copyFileSync(IMAGES, data);
    const run = (...more: string[]) =>
      kaibo(["importance", MODEL, "--data", data, ...SCALE, "--limit", "50", "--json", ...more]);
    assert.ok(!("accuracy" in json<Importance>(await run())));
    const labels = pytorchFile("mnist200-labels-idx1-ubyte.gz");
    assert.ok(json<Importance>(await run("--labels", labels)).accuracy! > 0.5);
  });

  it("scales, centres and divides the data", async () => {
    const run = async (...flags: string[]) =>
      json<Importance>(
        await kaibo([
          ...["importance", MODEL, "--data", IMAGES, "--limit", "50"],
          ...["--processes", "1", "--json", ...flags],
        ]),
      ).layers[0]!.importance;
    const expected = await run(...SCALE);
    assert.notDeepEqual(await run(), expected);
    assertRelative(await run("--mean", "0", "--std", "255"), expected, { tolerance: 1e-5 });
  });

  it("says when the outputs are affine in a layer, on stderr, beside the result", async () => {
    const { code, stdout, stderr } = await kaibo([
      ...["importance", MODEL, ...DIGITS, "--outputs", "logits"],
    ]);
    assert.equal(code, 0);
    assert.match(stderr, /^note: the outputs are affine in .*fc1.*root mean square.*\n$/);
    assert.doesNotMatch(stdout, /note/);
  });

  it("exits 1 when there are findings at or over --fail-on", async () => {
    const run = (...flags: string[]) =>
      kaibo(["importance", MODEL, ...DIGITS, "--limit", "50", "--json", ...flags]);
    json(await run("--fail-on", "hint", "--low-importance", "1"), 1);
    json(await run("--fail-on", "error", "--low-importance", "1"), 0);
    json(await run("--low-importance", "1"), 0);
  });
});
