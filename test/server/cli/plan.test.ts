import assert from "node:assert/strict";
import {
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join, resolve } from "node:path";
import { bindBatch } from "#core/formats/batch.ts";
import { noSiblings } from "#core/formats/format.ts";
import { safetensors } from "#core/formats/safetensors/safetensors.ts";
import { loadWeights } from "#core/formats/weights.ts";
import { constantOf } from "#core/ir/graph.ts";
import type { Tensor } from "#core/ir/tensor.ts";
import type { PlanFile } from "#core/prune/planFile/planFile.ts";
import { evaluate } from "#core/runtime/reference.ts";
import type { PruneCost } from "#protocol/views/cost.ts";
import { readModel } from "#server/files/openModel.ts";
import { sourceOf } from "../../core/formats/support.ts";
import { arraysOf } from "../../support/arrays.ts";
import { json, kaibo } from "../../support/kaibo.ts";
import { assertNear } from "../../support/numbers.ts";
import { mnistCnn } from "../../support/pytorch.ts";
import { temporaryFolder } from "../../support/temporary.ts";

const FIXTURES = resolve("test/fixtures/plans");
const fixture = (name: string) => join(FIXTURES, name);
const MODULE = fixture("module.safetensors");
const UNITS = ["stem/1", "stem/4", "block.conv1/0", "block.conv1/5", "fc1/2", "fc1/3", "fc1/9"]
  .concat("grouped/2", "grouped/3")
  .flatMap((unit) => ["--unit", unit]);
const plan = () => JSON.parse(readFileSync(fixture("plan.json"), "utf8")) as PlanFile;

describe("kaibo plan", function () {
  this.timeout(60_000);
  const folder = temporaryFolder();
  const out = folder.file("p.kaibo-plan.json");
  after(() => folder.remove());

  it("writes the plan that the Python of docs/plans.md was run on, and nothing else", async () => {
    const before = readdirSync(FIXTURES);
    const flags = [...UNITS, "--twin", MODULE, "--no-measure", "-o", out, "--json"];
    const found = await kaibo(["plan", fixture("model.script.onnx"), ...flags]);
    const { plan: said, output } = json<{ plan: PlanFile; output: string }>(found);
    assert.equal(output, out);
    assert.deepEqual(said, plan());
    assert.equal(readFileSync(out, "utf8"), readFileSync(fixture("plan.json"), "utf8"));
    assert.deepEqual(readdirSync(folder.path), ["p.kaibo-plan.json"]);
    assert.deepEqual(readdirSync(FIXTURES), before);
  });

  it("tells people what goes, what goes with it, and what that saves", async () => {
    const { code, stdout, stderr } = await kaibo([
      "plan",
      fixture("model.dynamo.onnx"),
      "--unit",
      "stem/1",
    ]);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
    assert.match(stdout, /^ {2}stem +8 → 7 {2}without 1$/m);
    assert.match(stdout, /^ {2}block\.conv2 +8 → 7 {2}without 1, coupled$/m);
    assert.match(stdout, /^ {2}parameters +1,460 → [\d,]+$/m);
  });

  it("measures what it costs: accuracy with the units masked, and latency", async () => {
    const { model, data } = mnistCnn;
    const scale = String(data.preprocess.scale);
    const given = ["plan", model, "--data", data.data, "--scale", scale, "--unit", "conv1/0"];
    const { plan: made } = json<{ plan: { cost: PruneCost } }>(await kaibo([...given, "--json"]));
    const { accuracy, latency, parameters, macs, bytes } = made.cost;
    assert.equal(accuracy!.before, 0.995);
    assert.ok(accuracy!.after > 0.5 && accuracy!.after < 1);
    for (const { before, after } of [parameters, macs!, bytes]) assert.ok(after < before);
    assert.ok(latency!.before > 0 && latency!.after > 0 && latency!.threads >= 1);
    assert.match((await kaibo(given)).stdout, /^ {2}ms a sample +[\d.]+ → [\d.]+ {2}\(.*onnx/m);
  });

  it("takes models whose lengths are open: nothing is counted for one sample then", async () => {
    const model = resolve("test/fixtures/attention/bert.script.onnx");
    const given = ["plan", model, "--unit", "query/4", "--json"];
    const { plan: made } = json<{ plan: { cost: PruneCost } }>(await kaibo(given));
    const { macs, parameters, latency } = made.cost;
    assert.equal(macs, undefined);
    assert.ok(parameters.after < parameters.before);
    assert.ok(latency!.before > 0 && latency!.after > 0);
  });

  it("takes a plan as well, and makes it whole", async () => {
    const given = folder.file("asked.json");
    const tensors = [{ tensor: "block.conv1.weight", axis: 0, remove: [3, 5] }];
    writeFileSync(given, JSON.stringify({ version: 1, tensors }));
    for (const model of ["model.script.onnx", "model.dynamo.onnx"]) {
      const found = await kaibo(["plan", fixture(model), "--plan", given, "--json"]);
      const { plan: made } = json<{ plan: PlanFile }>(found);
      assert.deepEqual(made.units, [{ layer: "block.conv1", units: [3, 5], of: 6 }]);
    }
  });
});

describe("kaibo prune --plan --twin", function () {
  this.timeout(60_000);
  const folder = temporaryFolder();
  const model = folder.file("smaller.onnx");
  const twin = folder.file("smaller.safetensors");
  after(() => folder.remove());
  const prune = (from: string, state: string, ...flags: string[]) =>
    kaibo(["prune", fixture(from), ...flags, "-o", model, "--twin", state, "--twin-output", twin]);

  for (const from of ["model.script.onnx", "model.dynamo.onnx"])
    it(`cuts ${from} and the state_dict as PyTorch does`, async () => {
      const flags = from.includes("script") ? ["--plan", fixture("plan.json")] : UNITS;
      const report = json<{ twin: { output: string; tensors: number; bytes: { after: number } } }>(
        await prune(from, MODULE, ...flags, "--json"),
      );
      assert.equal(report.twin.output, twin);
      assert.equal(report.twin.tensors, new Set(plan().tensors!.map((t) => t.tensor)).size);
      assert.equal(report.twin.bytes.after, statSync(twin).size);
      const expected = await tensorsOf(fixture("expected.safetensors"));
      const found = await tensorsOf(twin);
      assert.deepEqual([...found.keys()].sort(), [...expected.keys()].sort());
      for (const [name, { shape, data, dtype }] of expected)
        assert.deepEqual({ ...found.get(name) }, { shape, data, dtype }, name);
      const arrays = arraysOf(readFileSync(fixture("expected.npz")));
      const bound = bindBatch((await readModel(model)).graph, 3);
      assert.ok(bound.kind === "bound");
      const [x] = bound.graph.inputs;
      const [y] = evaluate(bound.graph.outputs, new Map([[x!, arrays.get("input")!]]));
      assertNear(y!.data, arrays.get("output")!.data, 1e-6);
      assertNear(y!.data, arrays.get("masked")!.data, 1e-6);
    });

  it("may put the twin in its own place", async () => {
    const own = folder.file("own.safetensors");
    copyFileSync(MODULE, own);
    const flags = ["-o", model, "--twin", own, "--twin-output", own, "--json"];
    json(await kaibo(["prune", fixture("model.script.onnx"), ...UNITS, ...flags]));
    assert.deepEqual(await tensorsOf(own), await tensorsOf(fixture("expected.safetensors")));
  });

  describe("refuses, and leaves both files as they were,", () => {
    const refused = async (message: RegExp, state: string, ...flags: string[]) => {
      for (const file of [model, twin]) writeFileSync(file, "what was there before");
      const before = readdirSync(folder.path);
      const { code, stdout, stderr } = await prune("model.script.onnx", state, ...flags);
      assert.deepEqual({ code, stdout }, { code: 2, stdout: "" });
      assert.match(stderr, /^kaibo: [^\n]+\n$/);
      assert.match(stderr, message);
      for (const file of [model, twin])
        assert.equal(readFileSync(file, "utf8"), "what was there before");
      assert.deepEqual(readdirSync(folder.path), before);
    };

    it("a twin that is no safetensors file", () =>
      refused(/expected\.npz/, fixture("expected.npz"), ...UNITS));

    it("a twin of other sizes, by the tensor's name", () =>
      refused(/tensor [\w.]+: it is \[/, fixture("expected.safetensors"), ...UNITS));

    it("units that cannot go", () => refused(/fc2/, MODULE, "--unit", "fc2/0"));

    it("a plan that is no JSON, with line and column", () => {
      const bad = folder.file("bad.json");
      writeFileSync(bad, '{ "version": 1,\n  "units": [}');
      return refused(/bad\.json, line 2, column 13: it is not valid JSON/, MODULE, "--plan", bad);
    });

    it("a plan of another model, and says what differs", () => {
      const other = folder.file("other.json");
      const units = [{ layer: "stem", units: [0], of: 16 }];
      writeFileSync(other, JSON.stringify({ version: 1, units }));
      return refused(/stem has 8 units, in the plan 16/, MODULE, "--plan", other);
    });

    it("a plan that is not there", () =>
      refused(/cannot be read: ENOENT/, MODULE, "--plan", folder.file("none.json")));

    it("two ways of choosing units", () =>
      refused(/choose units by one of/, MODULE, "--plan", fixture("plan.json"), ...UNITS));
  });

  it("refuses a twin's file that cannot be written before it writes the model", async () => {
    mkdirSync(folder.file("folder"));
    writeFileSync(model, "what was there before");
    for (const [place, message] of [
      [folder.file("folder"), /it is no file/],
      [folder.file("none/twin.safetensors"), /there is no such folder/],
      [model, /model and twin would be the same file/],
    ] as const) {
      const flags = ["-o", model, "--twin", MODULE, "--twin-output", place];
      const found = await kaibo(["prune", fixture("model.script.onnx"), ...UNITS, ...flags]);
      assert.equal(found.code, 2);
      assert.match(found.stderr, message);
      assert.equal(readFileSync(model, "utf8"), "what was there before");
    }
  });

  it("asks for both names of the twin", async () => {
    for (const flags of [
      ["--twin", MODULE],
      ["--twin-output", twin],
    ]) {
      const found = await kaibo([
        "prune",
        fixture("model.script.onnx"),
        ...UNITS,
        "-o",
        model,
        ...flags,
      ]);
      assert.equal(found.code, 2);
      assert.match(found.stderr, /--twin/);
    }
  });
});

async function tensorsOf(path: string): Promise<ReadonlyMap<string, Tensor>> {
  const bytes = new Uint8Array(readFileSync(path));
  const { model } = await safetensors.read(sourceOf(bytes, "t.safetensors"), noSiblings);
  await loadWeights(model!.graph);
  return new Map(
    model!.graph.outputs.map((v) => {
      const { dtype, shape, data } = constantOf(v)!;
      return [v.node.name, { dtype, shape, data }];
    }),
  );
}
