import assert from "node:assert/strict";
import type { OutputKind } from "#core/explain/readout.ts";
import type { Importance } from "#protocol/views/importance.ts";
import { Pool } from "#server/compute/pool.ts";
import { computeImportance } from "#server/operations/importance.ts";
import { ENGINES } from "#server/runtime/engines.ts";
import { bundle } from "../support/bundles.ts";
import { manyDigits } from "../support/manyDigits.ts";
import { assertRelative } from "../support/numbers.ts";
import {
  batchnormLenet,
  expectedBy,
  mnistCnn,
  type PytorchFixture,
  pytorchFixtures,
  STATISTICS,
} from "../support/pytorch.ts";
import { temporaryFolder } from "../support/temporary.ts";

const OUTPUTS: readonly OutputKind[] = ["probabilities", "logits"];

for (const engine of ENGINES)
  describe(`importance by ${engine}, against PyTorch's autograd`, function () {
    this.timeout(60_000);
    const pool = new Pool({ script: bundle("compute"), processes: 1 });
    after(() => pool.dispose());

    for (const fixture of pytorchFixtures)
      for (const outputs of OUTPUTS)
        it(`agrees on ${fixture.name} (${outputs}) for every layer and the input`, async () =>
          agrees(
            fixture,
            await computeImportance(pool, {
              model: fixture.model,
              data: fixture.data,
              outputs,
              engine,
            }),
          ));

    it("is the same to the last bit when it is repeated, and says what ran it", async () => {
      const one = await computeImportance(pool, { ...mnistCnn, engine });
      assert.deepEqual(await computeImportance(pool, { ...mnistCnn, engine }), one);
      assert.match(
        one.engine!,
        engine === "tfjs" ? /^tfjs \((tensorflow|wasm|cpu)/ : /^onnxruntime$/,
      );
    });
  });

describe("importance, however it is computed", function () {
  this.timeout(60_000);
  const folder = temporaryFolder();
  const data = manyDigits(folder, 6);
  const pools = [1, 2, 3].map((processes) => new Pool({ script: bundle("compute"), processes }));
  const many = (pool: Pool) => computeImportance(pool, { model: mnistCnn.model, data });
  let one: Importance;
  before(async () => {
    one = await many(pools[0]!);
  });
  after(() => {
    for (const pool of pools) pool.dispose();
    folder.remove();
  });

  it("is the same to the last bit when it is repeated", async () => {
    assert.deepEqual(await many(pools[0]!), one);
  });

  it("is the same to the last bit with 1, 2 and 3 processes", async () => {
    assert.equal(one.samples, 1200);
    assert.deepEqual(await many(pools[1]!), one);
    assert.deepEqual(await many(pools[2]!), one);
  });

  it("is the same to 1e-6 of a layer's largest with batches of 7, 32 and 64", async () => {
    const of = (batch: number) => computeImportance(pools[0]!, { ...mnistCnn, batch });
    const expected = await of(64);
    for (const batch of [7, 32]) same(await of(batch), expected, 1e-6, `batch ${batch}`);
  });

  // The derivatives hardly vary in this untrained net: σ² is a small difference of float32 sums.
  it("is the same to 1e-6 where the variance is small beside the mean square", async () => {
    const of = (batch: number) => computeImportance(pools[0]!, { ...batchnormLenet, batch });
    const expected = await of(64);
    for (const batch of [7, 32]) same(await of(batch), expected, 1e-6, `batch ${batch}`);
  });

  it("measures only the layers that are asked for, with the same result", async () => {
    const some = await computeImportance(pools[0]!, { ...mnistCnn, layers: ["fc1"] });
    const all = await computeImportance(pools[0]!, mnistCnn);
    assert.deepEqual(
      some.layers.map((l) => l.name),
      ["fc1"],
    );
    const expected = all.layers.find((l) => l.name === "fc1")!;
    for (const key of STATISTICS)
      assertRelative(some.layers[0]![key], expected[key], { tolerance: 1e-6, floor: 1, what: key });
  });
});

function agrees(fixture: PytorchFixture, found: Importance): void {
  const expected = expectedBy(fixture);
  const { layers, input } = expected[found.outputs];
  assert.equal(found.samples, expected.samples);
  assert.equal(found.accuracy, expected.accuracy);
  assert.deepEqual(found.input.shape, input.shape);
  assertRelative(found.input.importance, input.importance, { tolerance: 1e-4, what: "input" });
  assert.deepEqual(
    found.layers.map(({ name, units }) => ({ name, units })),
    layers.map(({ name, units }) => ({ name, units })),
  );
  layers.forEach((layer, i) => {
    const own = found.layers[i]!;
    for (const key of STATISTICS)
      assertRelative(own[key], layer[key], { tolerance: 1e-4, what: `${layer.name} ${key}` });
    layer.contribution?.forEach((units, c) => {
      assertRelative(own.contribution[c]!, units, {
        tolerance: 1e-4,
        what: `${layer.name} contribution ${c}`,
      });
    });
  });
}

/** All statistics within a share of the largest in their layer: the sums inside a batch are float32. */
function same(found: Importance, expected: Importance, tolerance: number, what: string): void {
  const within = { tolerance, floor: 1 };
  assert.equal(found.accuracy, expected.accuracy);
  assertRelative(found.input.importance, expected.input.importance, { ...within, what });
  expected.layers.forEach((layer, i) => {
    for (const key of [...STATISTICS, "importance"] as const)
      assertRelative(found.layers[i]![key], layer[key], {
        ...within,
        what: `${what} ${layer.name} ${key}`,
      });
  });
}
