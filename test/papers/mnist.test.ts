import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { correctIn } from "#core/explain/correct.ts";
import { readout } from "#core/explain/readout.ts";
import { bindBatch } from "#core/formats/batch.ts";
import { maskUnits } from "#core/prune/mask.ts";
import { planPrune } from "#core/prune/plan.ts";
import type { Importance } from "#protocol/views/importance.ts";
import { Pool } from "#server/compute/pool.ts";
import { openSamples } from "#server/compute/samples.ts";
import { readModel } from "#server/files/openModel.ts";
import { computeImportance } from "#server/operations/importance.ts";
import { onnxRuntime } from "#server/runtime/onnxRuntime.ts";
import { bundle } from "../support/bundles.ts";
import { assertRelative } from "../support/numbers.ts";
import { expectedBy, mnistCnn } from "../support/pytorch.ts";

const folder =
  process.env.KAIBO_DATA ?? fileURLToPath(new URL("../../../shared/data/", import.meta.url));
const IMAGES = join(folder, "mnist", "t10k-images-idx3-ubyte.gz");
const SAMPLES = 2000;
const BATCH = 50;

const spec = (limit: number) => ({ data: IMAGES, preprocess: { scale: 1 / 255 }, limit });

describe("the report's claims on MNIST", function () {
  this.timeout(120_000);
  let pool: Pool | undefined;
  let importance: Importance;
  before(async function () {
    if (!existsSync(IMAGES)) {
      console.log("      skipped: needs MNIST (set KAIBO_DATA)");
      this.skip();
    }
    pool = new Pool({ script: bundle("compute") });
    importance = await computeImportance(pool, { model: mnistCnn.model, data: spec(SAMPLES) });
  });
  after(() => pool?.dispose());

  it("is measured on the same images as the fixture of PyTorch", async () => {
    const model = mnistCnn.model;
    const first = await computeImportance(pool!, { model, data: spec(200) });
    const expected = expectedBy(mnistCnn);
    assert.equal(first.accuracy, expected.accuracy);
    expected.probabilities.layers.forEach((layer, i) => {
      const { gate, sigma } = first.layers[i]!;
      assertRelative(gate, layer.gate, { tolerance: 1e-4, what: `${layer.name} gate` });
      assertRelative(sigma, layer.sigma, { tolerance: 1e-4, what: `${layer.name} sigma` });
    });
  });

  // Kanadera, filters of the second layer (Fig. 13): 16 filters, without training afterwards.
  for (const removed of [4, 8])
    it(`removing ${removed} filters costs less from the low end than from the high end`, async () => {
      const { importance: gate } = importance.layers.find((l) => l.name === "conv2")!;
      const order = [...gate.keys()].sort((a, b) => gate[a]! - gate[b]!);
      const low = await accuracyWithout("conv2", order.slice(0, removed));
      const high = await accuracyWithout("conv2", order.slice(-removed));
      assert.ok(low > high + 0.1, `low first ${low}, high first ${high}`);
      if (removed === 4) assert.ok(low > importance.accuracy! - 0.1, `${low}`);
    });

  it("holds for hidden dense units as well", async () => {
    const { importance: scaled } = importance.layers.find((l) => l.name === "fc1")!;
    const order = [...scaled.keys()].sort((a, b) => scaled[a]! - scaled[b]!);
    const low = await accuracyWithout("fc1", order.slice(0, 16));
    const high = await accuracyWithout("fc1", order.slice(-16));
    assert.ok(low > high + 0.1, `low first ${low}, high first ${high}`);
  });
});

/** Accuracy on the first images with some units masked to 0. */
async function accuracyWithout(layer: string, units: readonly number[]): Promise<number> {
  const bound = bindBatch((await readModel(mnistCnn.model)).graph, BATCH);
  assert.ok(bound.kind === "bound");
  const planned = planPrune(bound.graph, [{ layer, units }]);
  assert.ok("plan" in planned);
  const { inputs, outputs } = maskUnits(bound.graph, planned.plan.masks);
  const { z } = readout({ inputs, outputs }, "logits");
  const program = await onnxRuntime.compile({ inputs, outputs: [z] });
  const samples = await openSamples(spec(SAMPLES), [1, 28, 28]);
  let correct = 0;
  for await (const batch of samples.dataset.batches(0, SAMPLES, BATCH)) {
    const x = {
      dtype: "float32" as const,
      shape: [BATCH, 1, 28, 28],
      data: samples.prepare(batch),
    };
    const [logits] = await program.run([x]);
    correct += correctIn(logits!, batch.labels!);
  }
  await samples.close();
  await program.release();
  return correct / SAMPLES;
}
