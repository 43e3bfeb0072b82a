import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import * as ort from "onnxruntime-node";
import { normal } from "../../support/build.ts";
import { json, kaibo } from "../../support/kaibo.ts";
import { npz } from "../../support/npz.ts";
import { redundantModel } from "../../support/redundantModel.ts";
import { temporaryFolder } from "../../support/temporary.ts";

const SAMPLES = 5;

describe("kaibo prune --exact", function () {
  this.timeout(60_000);
  const folder = temporaryFolder();
  const model = folder.file("redundant.onnx");
  const out = folder.file("smaller.onnx");
  before(() => writeFileSync(model, redundantModel()));
  after(() => folder.remove());

  const prune = (...flags: string[]) => kaibo(["prune", ...flags, "--processes", "1", "--json"]);
  const outputs = async (file: string): Promise<Float32Array> => {
    const session = await ort.InferenceSession.create(readFileSync(file));
    const { data } = normal([SAMPLES, 1, 8, 8], 9);
    const [name] = session.inputNames;
    const given = new ort.Tensor("float32", data as Float32Array, [SAMPLES, 1, 8, 8]);
    const result = await session.run({ [name!]: given });
    return result[session.outputNames[0]!]!.data as Float32Array;
  };
  const largestDifference = async (): Promise<number> => {
    const [a, b] = [await outputs(model), await outputs(out)];
    return Math.max(...a.map((v, i) => Math.abs(v - b[i]!)));
  };

  it("removes what is redundant; ONNX Runtime gives the same outputs", async () => {
    const { code, stdout, stderr } = await prune(model, "--exact", "-o", out);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
    const report = JSON.parse(stdout);
    assert.deepEqual(report.removed, [
      { layer: "conv", units: [2, 5] },
      { layer: "fc1", units: [3, 4] },
    ]);
    assert.ok((await largestDifference()) <= 1e-5, `${await largestDifference()}`);
    assert.ok(report.maskedDifference <= 1e-5);
    const again = await prune(out, "--exact", "-o", folder.file("again.onnx"));
    assert.equal(again.code, 2);
    assert.match(again.stdout, /no unit of it can go without a change of its outputs/);
  });

  it("and every other prune makes up for redundant units among those that are named", async () => {
    const { code, stdout } = await prune(model, "--unit", "conv/1", "--unit", "fc1/0", "-o", out);
    assert.equal(code, 0, stdout);
    // Units 2 and 3 stay and do what 1 and 0 did.
    assert.ok((await largestDifference()) <= 1e-5, `${await largestDifference()}`);
  });

  it("is one way of choosing, and not for twins", async () => {
    const two = await prune(model, "--exact", "--unit", "conv/1", "-o", out);
    assert.equal(two.code, 2);
    assert.match(two.stdout, /choose units by one of .*--exact/);
    const twin = await prune(model, "--exact", "--twin", model, "--twin-output", out, "-o", out);
    assert.equal(twin.code, 2);
  });
});

describe("kaibo importance --fail-on", function () {
  this.timeout(60_000);
  const folder = temporaryFolder();
  const model = folder.file("redundant.onnx");
  const smaller = folder.file("smaller.onnx");
  const data = folder.file("data.npz");
  before(async () => {
    writeFileSync(model, redundantModel());
    const { shape, data: values } = normal([64, 1, 8, 8], 3);
    writeFileSync(data, npz({ x: { shape, values: [...values] } }));
    const { code } = await kaibo(["prune", model, "--exact", "-o", smaller, "--processes", "1"]);
    assert.equal(code, 0);
  });
  after(() => folder.remove());

  const importance = (file: string, ...flags: string[]) =>
    kaibo([
      ...["importance", file, "--data", data, "--fail-on", "warning", "--processes", "1"],
      ...["--json", ...flags],
    ]);

  it("counts what the weights alone show, and says what it found", async () => {
    // None of these is never active: only the weights give them away.
    const found = await importance(model, "--layers", "fc1");
    json(found, 1);
    assert.equal(
      found.stderr,
      "note: findings at or over warning: duplicate-unit fc1/3, constant-unit fc1/4\n",
    );
    const all = await importance(model);
    assert.match(all.stderr, /duplicate-unit conv\/2, .*conv\/5.* fc1\/3/);
  });

  it("is content with a model from which they are gone", async () => {
    json(await importance(smaller), 0);
  });
});
