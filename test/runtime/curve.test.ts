import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { encode } from "#core/compile/encode.ts";
import { constant } from "#core/ir/graph.ts";
import { float32 } from "#core/ir/tensor.ts";
import { ProblemError } from "#core/problem.ts";
import { unitsOf } from "#core/prune/ranking/rank.ts";
import { Pool } from "#server/compute/pool.ts";
import { removalCurve } from "#server/operations/curve.ts";
import { largestWithin } from "#server/operations/guard.ts";
import { maskedAccuracy, retrainedAccuracy } from "#server/operations/masked.ts";
import { prune } from "#server/operations/prune.ts";
import { rankUnits } from "#server/operations/rank.ts";
import { ENGINES } from "#server/runtime/engines.ts";
import { image, op } from "../support/build.ts";
import { bundle } from "../support/bundles.ts";
import { manyDigits } from "../support/manyDigits.ts";
import { npz } from "../support/npz.ts";
import { gone } from "../support/processes.ts";
import { expectedBy, mnistCnn } from "../support/pytorch.ts";
import { temporaryFolder } from "../support/temporary.ts";

describe("accuracy without units", function () {
  this.timeout(120_000);
  const folder = temporaryFolder();
  const script = bundle("compute");
  const [pool, pair] = [1, 2].map((processes) => new Pool({ script, processes })) as [Pool, Pool];
  after(async () => {
    const pids = [...pool.processes, ...pair.processes];
    pool.dispose();
    pair.dispose();
    await gone(pids);
    folder.remove();
  });
  const { model, data } = mnistCnn;
  const byHand = { model: folder.file("hand.onnx"), data: handData() };

  /** h = relu(x) of 4 units, of which the last is always 0; z = (h0, h1 + 0.1, 2·h2). */
  function handData() {
    const zeros = new Array<number>(12).fill(0);
    const head = zeros.map((_, i) => ({ 0: 1, 4: 1, 8: 2 })[i] ?? 0);
    const identity = new Array(16).fill(0).map((_, i) => (i % 5 === 0 && i < 15 ? 1 : 0));
    const stored = (shape: number[], values: number[], name: string) =>
      constant(float32(shape, values), name);
    const x = image("N", 4);
    const h = op("Gemm", {}, [x, stored([4, 4], identity, "fc.weight")], "fc");
    const z = op(
      "Gemm",
      {},
      [
        op("Relu", {}, [h]),
        stored([4, 3], head, "head.weight"),
        stored([3], [0, 0.1, 0], "head.bias"),
      ],
      "head",
    );
    writeFileSync(folder.file("hand.onnx"), encode({ inputs: [x], outputs: [z] }));
    const samples = [
      [1, 0, 0, 3],
      [1, 0, 0, 3],
      [1, 0, 0, 3],
      [0, 1, 0, 3],
      [0, 0, 1, 3],
      [0, 0.5, 1, 3],
    ];
    const labels = [0, 0, 0, 1, 2, 2];
    writeFileSync(
      folder.file("hand.npz"),
      npz({
        x: { shape: [6, 4], values: samples.flat() },
        y: { shape: [6], values: labels },
      }),
    );
    return { data: folder.file("hand.npz"), preprocess: {} };
  }

  for (const engine of ENGINES)
    it(`is what one works out by hand, in ${engine}`, async () => {
      const units = (...u: number[]) => [{ layer: "fc", units: u }];
      const inputs = (...u: number[]) => [{ layer: "", units: u }];
      const sets = [[], units(0), units(1), units(2), units(3), units(0, 2), inputs(2), inputs(3)];
      const found = await maskedAccuracy(pool, { ...byHand, sets, engine });
      // Where a unit is gone its class is taken for class 1, by its bias.
      const expected = [6, 3, 6, 4, 6, 1, 4, 6].map((n) => n / 6);
      assert.deepEqual(found, { samples: 6, baseline: 1, accuracy: expected });
    });

  for (const engine of ENGINES)
    it(`is that of the pruned file, in ${engine}`, async () => {
      const sets = [
        [{ layer: "conv2", units: [0, 3, 7, 8] }],
        [
          { layer: "conv1", units: [2, 5] },
          { layer: "fc1", units: [1, 4, 9, 30] },
        ],
        [{ layer: "fc1", units: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10] }],
      ];
      const found = await maskedAccuracy(pool, { model, data, sets, engine });
      assert.equal(found.baseline, expectedBy(mnistCnn).accuracy);
      for (const [i, units] of sets.entries()) {
        const output = folder.file("smaller.onnx");
        const { accuracy } = await prune(pool, { model, units, output, data, engine });
        assert.equal(found.accuracy[i], accuracy!.after);
        assert.notEqual(accuracy!.after, accuracy!.before);
      }
    });

  it("does not depend on processes or batches", async () => {
    const many = manyDigits(folder, 6);
    const request = { model, data: many, layers: ["conv2", "fc1"], points: 5, seeds: 2 };
    const one = await removalCurve(pool, request);
    assert.deepEqual(await removalCurve(pair, { ...request, batch: 37 }), one);
    assert.equal(one.samples, 1200);
  });

  it("curves begin at the whole model, and ascending lies above descending", async () => {
    const curve = await removalCurve(pool, { model, data, layers: ["conv2"] });
    assert.deepEqual(
      curve.series.map((s) => [s.order, s.retrained, s.points.length]),
      [
        ["ascending", false, 16],
        ["descending", false, 16],
        ["random", false, 16],
      ],
    );
    const [up, down, any] = curve.series as [Series, Series, Series];
    for (const { points } of curve.series)
      assert.deepEqual([points[0]!.removed, points[0]!.accuracy], [0, curve.baseline]);
    assert.ok(up.area > any.area && any.area > down.area, `${up.area} ${any.area} ${down.area}`);
    for (const { accuracy, band } of any.points)
      assert.ok(band![0] <= accuracy && accuracy <= band![1]);
    // Point k of the ascending series lacks the first k of the ranking.
    const sets = [4, 9].map((k) => unitsOf(curve.ranking.slice(0, k)));
    const { accuracy } = await maskedAccuracy(pool, { model, data, sets });
    assert.deepEqual(
      accuracy,
      [4, 9].map((k) => up.points[k]!.accuracy),
    );
  });

  it("goes over all layers together, and over the inputs", async () => {
    const all = await removalCurve(pool, { model, data, points: 4, orders: ["descending"] });
    assert.deepEqual(all.layers, ["conv1", "conv2", "fc1"]);
    assert.equal(all.series[0]!.points.at(-1)!.removed, 7 + 15 + 30);
    const request = { model, data, removes: "inputs", points: 5, seeds: 2 } as const;
    const inputs = await removalCurve(pool, request);
    assert.deepEqual(inputs.layers, []);
    assert.deepEqual(
      inputs.series[0]!.points.map((p) => p.removed),
      [0, 196, 392, 588, 784],
    );
    const [up, down, any] = inputs.series as [Series, Series, Series];
    assert.ok(up.area > any.area && any.area > down.area, `${up.area} ${any.area} ${down.area}`);
    // Without any input there is one answer for all samples.
    const ends = inputs.series.map((s) => s.points.at(-1)!.accuracy);
    assert.deepEqual(new Set(ends).size, 1);
  });

  it("training the dense layers again makes up for filters that are gone", async () => {
    const request = {
      model,
      data,
      layers: ["conv2"],
      points: 4,
      orders: ["descending"],
      retrain: data,
      epochs: 3,
    } as const;
    const curve = await removalCurve(pool, request);
    const [masked, trained] = curve.series as [Series, Series];
    assert.deepEqual([masked.retrained, trained.retrained], [false, true]);
    assert.equal(trained.points[0]!.accuracy, curve.baseline);
    assert.ok(trained.points[2]!.accuracy > masked.points[2]!.accuracy + 0.2);
    assert.deepEqual(await removalCurve(pair, request), curve);
  });

  it("trains behind masks of early layers and of the head's own units as well", async () => {
    const train = manyDigits(folder, 2);
    const sets = [
      [{ layer: "conv1", units: [0, 1, 2, 3] }],
      [{ layer: "fc1", units: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15] }],
      [],
    ];
    const request = { model, data, sets };
    const masked = await maskedAccuracy(pool, request);
    const options = { train, epochs: 3, seed: 1 };
    const trained = await retrainedAccuracy(pool, { ...request, ...options });
    for (const i of [0, 1])
      assert.ok(trained[i]! > masked.accuracy[i]!, `${trained[i]} ${masked.accuracy[i]}`);
    assert.equal(trained[2], masked.baseline);
  });

  for (const [drop, points] of [
    [0.02, 33],
    [0.02, 3],
    [0.1, 4],
    [0, 33],
  ] as const)
    it(`finds how many keep accuracy within ${drop}, with ${points} points at a time`, async () => {
      const ranking = await rankUnits(pool, {
        model,
        data,
        criterion: "importance",
        scope: "global",
      });
      const found = await largestWithin(pool, { model, data, ranking, drop, points });
      const holds = (accuracy: number) => accuracy >= found.baseline - drop - 1e-9;
      assert.equal(found.groups.length, found.removed);
      assert.ok(holds(found.accuracy));
      for (const { removed, accuracy } of found.points)
        if (removed <= found.removed) assert.ok(holds(accuracy));
      const next = found.points.find((p) => p.removed === found.removed + 1);
      assert.ok(next !== undefined && !holds(next.accuracy));
      const sets = [unitsOf(found.groups)];
      const { accuracy } = await maskedAccuracy(pool, { model, data, sets });
      assert.equal(accuracy[0], found.accuracy);
    });

  it("keeps everything that can go where nothing costs accuracy", async () => {
    const ranking = await rankUnits(pool, { model, data, criterion: "random", scope: "global" });
    const found = await largestWithin(pool, { model, data, ranking, drop: 1, points: 9 });
    assert.equal(found.removed, 7 + 15 + 30);
  });

  const none = { model, data, sets: [[{ layer: "fc1", units: [0] }]] };
  const refusals: readonly (readonly [string, () => Promise<unknown>, RegExp])[] = [
    [
      "data without labels",
      async () => {
        writeFileSync(
          folder.file("plain.npz"),
          npz({ x: { shape: [2, 1, 28, 28], values: new Array<number>(1568).fill(0) } }),
        );
        const plain = { data: folder.file("plain.npz"), preprocess: {} };
        return maskedAccuracy(pool, { ...none, data: plain });
      },
      /accuracy needs classes and labels/,
    ],
    [
      "a model whose output is no class",
      async () => {
        const x = image("N", 4);
        const w = constant(float32([4, 1], [1, 2, 3, 4]), "fc.weight");
        const y = op("MatMul", {}, [x, w], "fc");
        const file = folder.file("regression.onnx");
        writeFileSync(file, encode({ inputs: [x], outputs: [y] }));
        const sets = [[{ layer: "", units: [0] }]];
        return maskedAccuracy(pool, { model: file, data: byHand.data, sets });
      },
      /accuracy needs classes and labels/,
    ],
    [
      "an unknown layer",
      () => maskedAccuracy(pool, { ...none, sets: [[{ layer: "fc9", units: [0] }]] }),
      /there is no layer fc9/,
    ],
    [
      "an input that is not there",
      () => maskedAccuracy(pool, { ...none, sets: [[{ layer: "", units: [784] }]] }),
      /there is no input 784: it has 0 to 783/,
    ],
    [
      "output units",
      () => removalCurve(pool, { model, data, layers: ["fc2"] }),
      /its units are the outputs of the model/,
    ],
    [
      "another criterion for inputs",
      () => removalCurve(pool, { model, data, removes: "inputs", criterion: "weight-norm" }),
      /inputs are ranked by importance or at random/,
    ],
    ["one point", () => removalCurve(pool, { model, data, points: 1 }), /two points or more/],
  ];
  for (const [what, run, message] of refusals)
    it(`refuses ${what}`, () =>
      assert.rejects(run, (error) => error instanceof ProblemError && message.test(error.message)));

  it("can be cancelled, and tells how far it is", async () => {
    const abort = new AbortController();
    const told: number[] = [];
    const control = {
      signal: abort.signal,
      progress(done: number, total: number) {
        told.push(done / total);
        if (done > 0.6 * total) abort.abort();
      },
    };
    const request = { model, data: manyDigits(folder, 20), layers: ["conv1"] };
    await assert.rejects(
      removalCurve(pool, request, control),
      (error) => error instanceof ProblemError && error.problem.code === "cancelled",
    );
    assert.deepEqual(
      told,
      told.toSorted((a, b) => a - b),
    );
    assert.ok(told[0]! < 0.5 && told.at(-1)! < 1);
  });
});

type Series = Awaited<ReturnType<typeof removalCurve>>["series"][number];
