import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { Pool } from "#server/compute/pool.ts";
import { computeImportance, weightImportance } from "#server/operations/importance.ts";
import { inspectModel } from "#server/operations/inspect.ts";
import { prune } from "#server/operations/prune.ts";
import { ENGINES } from "#server/runtime/engines.ts";
import { normal } from "../support/build.ts";
import { bundle } from "../support/bundles.ts";
import { npz } from "../support/npz.ts";
import { assertRelative } from "../support/numbers.ts";
import { FC1, partialModel } from "../support/partialModel.ts";
import { temporaryFolder } from "../support/temporary.ts";

const SAMPLES = 50;
const values = Array.from(normal([SAMPLES, FC1.length], 5).data, Math.abs);

describe("models that are read in part", function () {
  this.timeout(60_000);
  const folder = temporaryFolder();
  const pool = new Pool({ script: bundle("compute"), processes: 1 });
  const [model, branched] = [folder.file("part.onnx"), folder.file("branch.onnx")];
  const data = { data: folder.file("x.npz"), preprocess: {} };
  before(() => {
    writeFileSync(model, partialModel());
    writeFileSync(branched, partialModel({ branch: true }));
    writeFileSync(data.data, npz({ x: { shape: [SAMPLES, FC1.length], values } }));
  });
  after(() => {
    pool.dispose();
    folder.remove();
  });

  /** relu(x·W1), by hand: [units][samples]. */
  const activations = FC1[0].map((_, u) =>
    Array.from({ length: SAMPLES }, (_, i) =>
      Math.max(
        0,
        FC1.reduce((sum, row, k) => sum + row[u]! * values[i * FC1.length + k]!, 0),
      ),
    ),
  );
  const deviation = activations.map((a) => {
    const mean = a.reduce((x, y) => x + y) / SAMPLES;
    return Math.sqrt(a.reduce((sum, v) => sum + (v - mean) ** 2, 0) / SAMPLES);
  });
  const active = activations.map((a) => a.filter((v) => v !== 0).length / SAMPLES);

  for (const engine of ENGINES)
    it(`${engine}: activations are measured, and are not called importance`, async () => {
      const found = await computeImportance(pool, { model, data, engine });
      assert.deepEqual(
        found.layers.map(({ name, index, output }) => [name, index, output]),
        [["fc1", "activation", false]],
      );
      const [fc1] = found.layers;
      assertRelative(fc1!.deviation, deviation, { tolerance: 1e-5 });
      assertRelative(fc1!.active, active, { tolerance: 1e-7 });
      assert.equal(fc1!.active[2], 0);
      assert.deepEqual(fc1!.sigma, []);
      assert.equal(found.samples, SAMPLES);
      for (const because of [found.refused?.[0]?.because, found.input.refused])
        assert.match(
          because!,
          /outputs are not reached \(node odd .*\): operator Frobnicate of domain/,
        );
    });

  it("an output that was read is explained, and what does not lead to it is not", async () => {
    const found = await computeImportance(pool, { model: branched, data });
    assert.deepEqual(
      found.layers.map(({ name, index, output }) => [name, index, output]),
      [
        ["fc1", "scaled", false],
        ["fc3", "scaled", true],
      ],
    );
    assert.equal(found.refused, undefined);
    assert.ok(found.layers[0]!.sigma.every((s) => s > 0));
    await assert.rejects(
      computeImportance(pool, { model: branched, data, output: "y" }),
      /there is no output y; there are z/,
    );
  });

  it("the problem stands behind the layers before it, and no unit can go", async () => {
    for (const path of [model, branched]) {
      const { unread, layers } = await inspectModel(path);
      assert.deepEqual(
        unread?.map(({ code, layers }) => [code, layers]),
        [["unsupported-operator", ["fc1"]]],
      );
      const [fc1, fc3] = layers;
      assert.equal(fc1!.output, false);
      assert.match(fc1!.fixed!, /could not be read as a whole/);
      assert.equal(fc3?.output ?? true, true);
      const output = folder.file("out.onnx");
      await assert.rejects(
        prune(pool, { model: path, units: [{ layer: "fc1", units: [0] }], output }),
        /Frobnicate|as a whole/,
      );
    }
  });

  it("weights are measured without data", async () => {
    const { layers } = await weightImportance(pool, model);
    const norms = FC1[0].map((_, u) => Math.hypot(...FC1.map((row) => row[u]!)));
    assertRelative(layers[0]!.importance, norms, { tolerance: 1e-6 });
    assert.equal(layers[0]!.output, false);
  });
});
