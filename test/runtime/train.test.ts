import assert from "node:assert/strict";
import type { Graph } from "#core/ir/graph.ts";
import { random } from "#core/random.ts";
import { holdOut, type Source } from "#core/train/source.ts";
import { type Trained, type TrainOptions, trainHead } from "#core/train/trainer.ts";
import { onnxRuntime } from "#server/runtime/onnxRuntime.ts";
import { normal } from "../support/build.ts";
import { sourceOf, trainingModel } from "../support/training.ts";

const BATCH = 16;
const EACH = 200;
const [TRAIN, ALL] = [300, 400];

/** Samples whose class shifts one channel. */
function shifted(seed: number) {
  const next = random(seed);
  const labels = Int32Array.from({ length: ALL }, () => Math.floor(next.uniform() * 3));
  const x = normal([ALL, EACH], seed + 1).data as Float32Array;
  labels.forEach((label, i) => {
    for (let k = 0; k < EACH / 2; k++) x[i * EACH + k]! += 1.5 * (label - 1);
  });
  return { x, labels };
}

describe("training", function () {
  this.timeout(60_000);
  let graph: Graph;
  const { x, labels } = shifted(5);
  const train = sourceOf(x, labels, { batch: BATCH, to: TRAIN });
  const validation = sourceOf(x, labels, { batch: BATCH, from: TRAIN });
  before(async () => {
    graph = await trainingModel("cnn", BATCH);
  });

  const run = (
    options: Partial<TrainOptions> = {},
    data: { train: Source; validation: Source } = { train, validation },
    stop?: () => boolean,
  ): Promise<Trained> =>
    trainHead(onnxRuntime, graph, data, { epochs: 8, rate: 0.01, ...options }, stop);

  it("learns, by the head alone and by all layers", async () => {
    for (const trainable of ["head", "all"] as const) {
      const { best, history } = await run({ trainable });
      assert.ok(best.validation.accuracy! > 0.85, `${trainable}: ${best.validation.accuracy}`);
      assert.ok(best.validation.accuracy! > history[0]!.validation.accuracy! + 0.2);
      assert.ok(history.at(-1)!.train!.loss < history[1]!.train!.loss);
      assert.deepEqual(best.weights.has("conv1.weight"), trainable === "all");
    }
  });

  it("gives the same weights for the same seed, to the last bit, and others for another", async () => {
    const [a, b, c] = [await run(), await run(), await run({ seed: 2 })];
    assert.deepEqual(a, b);
    assert.notDeepEqual(a!.best.weights, c!.best.weights);
  });

  it("goes block by block where the features do not fit, as deterministic and as well", async () => {
    // 24 features and a label: 5 batches at a time.
    const memory = (ALL / TRAIN) * 5 * BATCH * 4 * 25;
    const [a, b] = [await run({ memory }), await run({ memory })];
    assert.deepEqual(a, b);
    const kept = await run();
    assert.notDeepEqual(a!.best.weights, kept.best.weights);
    assert.deepEqual(a!.history[0], kept.history[0]);
    assert.ok(a!.best.validation.accuracy! > 0.8);
  });

  it("keeps the best weights, and stops when it becomes no better", async () => {
    const { best, history, ended } = await run({ rate: 0.3, epochs: 40, patience: 2 });
    assert.equal(ended, "patience");
    assert.equal(history.length - 1 - best.epoch, 2);
    const top = Math.max(...history.map((e) => e.validation.accuracy!));
    assert.equal(best.validation.accuracy, top);
  });

  it("gives the model as it was where nothing is better", async () => {
    const first = await run({ epochs: 1, rate: 1e-9 });
    const { best, ended } = await run({ optimiser: "sgd", rate: 1e30 });
    assert.equal(ended, "diverged");
    assert.equal(best.epoch, 0);
    for (const [name, values] of best.weights)
      first.best.weights.get(name)!.forEach((v, i) => {
        assert.ok(Math.abs(v - values[i]!) < 1e-6);
      });
  });

  it("stops when it is asked to, with the best so far", async () => {
    let asked = 0;
    const batches = Math.ceil(TRAIN / BATCH);
    const { best, ended, history } = await run(
      { epochs: 50 },
      undefined,
      () => ++asked > 8 * batches,
    );
    assert.equal(ended, "stopped");
    assert.ok(best.epoch >= 1 && history.length < 12, `${best.epoch} of ${history.length}`);
  });

  it("holds a share out: the same by seed, nothing twice, nothing lost", async () => {
    const all = sourceOf(Float32Array.from(labels.keys()), labels, { batch: BATCH });
    const numbers = async (source: Source) => {
      const found: number[] = [];
      for await (const { inputs, count } of source.pass()) {
        assert.equal(inputs[0]!.length, count);
        found.push(...inputs[0]!);
      }
      assert.equal(found.length, source.samples);
      return found;
    };
    const parts = holdOut(all, 0.1, 3);
    const [own, held] = [await numbers(parts.train), await numbers(parts.validation)];
    assert.equal(held.length, ALL / 10);
    assert.equal(new Set([...own, ...held]).size, ALL);
    assert.deepEqual(await numbers(holdOut(all, 0.1, 3).validation), held);
    assert.notDeepEqual(await numbers(holdOut(all, 0.1, 4).validation), held);
  });

  it("trains on a held out part as on data of its own", async () => {
    const all = sourceOf(x, labels, { batch: BATCH });
    const { best } = await run({}, holdOut(all, 0.25, 1));
    assert.ok(best.validation.accuracy! > 0.8);
  });
});
