import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { unitsOf } from "#core/prune/ranking/rank.ts";
import { select } from "#core/prune/ranking/select.ts";
import type { RemovalCurve } from "#protocol/views/curve.ts";
import { Pool } from "#server/compute/pool.ts";
import { type CurveRequest, removalCurve } from "#server/operations/curve.ts";
import { largestWithin } from "#server/operations/guard.ts";
import { prune } from "#server/operations/prune.ts";
import { rankUnits } from "#server/operations/rank.ts";
import { retrain } from "#server/operations/retrain.ts";
import { smallest } from "#server/operations/smallest.ts";
import { bundle } from "../support/bundles.ts";
import { accuracyOnMnist, hasMnist, mnist, mnistNet } from "../support/mnist.ts";
import { temporaryFolder } from "../support/temporary.ts";

const ALL = 10_000;
/** Of the test digits, where many models are measured. */
const HALF = 5_000;
const RANKED = mnist("train", 1000);

/** A CNN that PyTorch trained on MNIST. */
describe("pruning on MNIST", function () {
  this.timeout(300_000);
  const folder = temporaryFolder();
  let pool: Pool;
  let original: number;
  before(async function () {
    if (!hasMnist()) {
      console.log("      skipped: needs MNIST (set KAIBO_DATA)");
      this.skip();
    }
    pool = new Pool({ script: bundle("compute") });
    original = await accuracyOnMnist(mnistNet, ALL);
  });
  after(() => {
    pool?.dispose();
    folder.remove();
  });

  // Kanadera, Figs 8, 9 and 13: what is removed first costs least when its importance is smallest.
  const figures: readonly (readonly [string, Omit<CurveRequest, "model" | "data">, number])[] = [
    ["inputs (Fig. 8)", { removes: "inputs" }, 784],
    ["hidden units of all layers (Fig. 9)", {}, 79],
    ["filters of the second layer (Fig. 13)", { layers: ["conv2"] }, 30],
  ];
  for (const [what, asked, count] of figures)
    it(`${what}: smallest first beats any order, which beats largest first`, async () => {
      const data = mnist("t10k", 2000);
      const curve = await removalCurve(pool, { model: mnistNet, data, points: 9, ...asked });
      assert.equal(curve.baseline, await accuracyOnMnist(mnistNet, 2000));
      assert.equal(curve.ranking.length, count);
      const [ascending, descending, random] = areasOf(curve);
      const areas = `ascending ${ascending}, random ${random}, descending ${descending}`;
      assert.ok(ascending > random + 0.05 && random > descending + 0.05, areas);
      assert.ok(accuracyAt(curve, 1) > curve.baseline - 0.02, areas);
    });

  it("half of the second layer's filters go, and training the head makes up for it", async () => {
    const model = mnistNet;
    const ranking = await rankUnits(pool, {
      model,
      data: RANKED,
      criterion: "importance",
      scope: "layer",
      layers: ["conv2"],
    });
    const units = unitsOf(select(ranking, { kind: "share", share: 0.5 }));
    const [half, trained] = [folder.file("half.onnx"), folder.file("trained.onnx")];
    const cut = await prune(pool, { model, units, output: half, data: RANKED });
    assert.deepEqual(
      cut.removed.map(({ layer, units: { length } }) => [layer, length]),
      [["conv2", 16]],
    );
    const data = mnist("t10k");
    const train = mnist("train", 20_000);
    const report = await retrain(pool, {
      model: half,
      output: trained,
      train,
      data,
      trainable: "head",
      epochs: 5,
    });
    assert.deepEqual(report.parameters, ["fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"]);
    const [before, after] = [await accuracyOnMnist(half, ALL), await accuracyOnMnist(trained, ALL)];
    assert.deepEqual(report.accuracy, { before, after });
    assert.ok(before < original - 0.005, `${before}: nothing was to be made up for`);
    assert.ok(after >= original - 0.005, `${original}, cut ${before}, trained ${after}`);
  });

  it("the guard prunes as much as keeps accuracy within half a point", async () => {
    const model = mnistNet;
    const data = mnist("t10k", HALF);
    const ranking = await rankUnits(pool, {
      model,
      data: RANKED,
      criterion: "importance",
      scope: "global",
    });
    const found = await largestWithin(pool, { model, data, ranking, drop: 0.005 });
    const baseline = await accuracyOnMnist(model, HALF);
    assert.equal(found.baseline, baseline);
    const next = found.points.find((p) => p.removed === found.removed + 1);
    assert.ok(next !== undefined && next.accuracy < baseline - 0.005, "one more does not hold");
    const output = folder.file("guarded.onnx");
    await prune(pool, { model, units: unitsOf(found.groups), output, data: RANKED });
    const accuracy = await accuracyOnMnist(output, HALF);
    assert.ok(accuracy >= baseline - 0.005, `${baseline} → ${accuracy}`);
    assert.equal(accuracy, found.accuracy);
    assert.ok(found.removed >= 8, `${found.removed} units`);
    assert.ok(statSync(output).size < statSync(model).size);
  });

  // Suzuki: the smallest numbers of filters that keep 98 %.
  it("a network of a third of the parameters keeps 98 % of the accuracy", async () => {
    const output = folder.file("smallest.onnx");
    const found = await smallest(pool, {
      model: mnistNet,
      output,
      data: mnist("t10k", HALF),
      train: mnist("train", 4000),
      keep: 0.98,
      training: { epochs: 2 },
      tries: 6,
    });
    const [before, after] = [
      await accuracyOnMnist(mnistNet, HALF),
      await accuracyOnMnist(output, HALF),
    ];
    assert.deepEqual(found.accuracy, { before, after });
    assert.ok(after >= 0.98 * before, `${found.accuracy.after}`);
    assert.ok(found.parameters.after < found.parameters.before / 3, `${found.parameters.after}`);
    assert.deepEqual(
      found.layers.map(({ layer, before }) => [layer, before]),
      [
        ["conv1", 12],
        ["conv2", 32],
        ["fc1", 40],
      ],
    );
    assert.ok(found.layers.every(({ before, after }) => after < before));
  });
});

/** Ascending, descending and random. */
function areasOf({ series }: RemovalCurve): readonly [number, number, number] {
  const [ascending, descending, random] = series;
  return [ascending!.area, descending!.area, random!.area];
}

/** Of the ascending series. */
const accuracyAt = ({ series }: RemovalCurve, point: number): number =>
  series[0]!.points[point]!.accuracy;
