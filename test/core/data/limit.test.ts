import assert from "node:assert/strict";
import type { Dataset } from "#core/data/dataset.ts";
import { forward } from "#core/data/forward.ts";
import { limit } from "#core/data/limit.ts";
import { all, idx, labels, opened, values } from "./support.ts";

const CLASSES = 4;
const EACH = 50;

/** The value of a row is its number; rows stand class by class. */
const sorted = () => {
  const rows = Array.from({ length: CLASSES * EACH }, (_, i) => `${i},${Math.floor(i / EACH)}`);
  return opened("t.csv#target=y", { "t.csv": ["x,y", ...rows].join("\n") });
};

const counts = (found: readonly number[], classes: number) =>
  Array.from({ length: classes }, (_, c) => found.filter((v) => v === c).length);

describe("a limited dataset", () => {
  it("has the first samples of an array", async () => {
    const dataset = await opened("i", { i: idx(8, [3, 1], [1, 2, 3]) });
    const two = limit(dataset, 2);
    assert.equal(two.count, 2);
    assert.deepEqual(await values({ ...two, count: 9 }), [1, 2]);
    assert.equal(limit(dataset, 5).count, 3);
  });

  it("has all classes of a table that is sorted by them, each with its label", async () => {
    const some = limit(await sorted(), 20);
    assert.equal(some.count, 20);
    const rows = await values(some);
    assert.deepEqual(counts(await labels(some), CLASSES), [5, 5, 5, 5]);
    assert.deepEqual(
      await labels(some),
      rows.map((row) => Math.floor(row / EACH)),
    );
    // One of each stretch of ten rows.
    assert.deepEqual(
      rows.map((row) => Math.floor(row / 10)),
      Array.from({ length: 20 }, (_, i) => i),
    );
    assert.deepEqual(await values(limit(await sorted(), 20)), rows, "the same every time");
  });

  it("has all of them where classes come in turns, as often as samples are drawn", async () => {
    const rows = Array.from({ length: 1000 }, (_, i) => `${i},${i % 10}`);
    const table = await opened("t.csv#target=y", { "t.csv": ["x,y", ...rows].join("\n") });
    const found = counts(await labels(limit(table, 100)), 10);
    assert.ok(
      found.every((n) => n >= 3 && n <= 20),
      found.join(),
    );
  });

  it("gives the same samples range by range, and where each is read by itself", async () => {
    const whole = await sorted();
    const some = limit(whole, 70);
    const expected = await values(some);
    const read: number[] = [];
    const folder: Dataset = {
      ...whole,
      seeks: true,
      async *batches(from, to, size) {
        for (let i = from; i < to; i++) read.push(i);
        yield* whole.batches(from, to, size);
      },
    };
    for (const dataset of [some, limit(folder, 70)]) {
      const reader = forward(dataset, 8);
      const found: number[] = [];
      for (const [from, to] of [
        [0, 16],
        [16, 40],
        [40, 70],
      ] as const)
        for await (const batch of reader.batches(from, to)) {
          assert.equal(batch.from, found.length);
          found.push(...batch.x);
        }
      await reader.close();
      assert.deepEqual(found, expected);
    }
    assert.deepEqual(read, expected, "nothing else is read of a folder");
    assert.deepEqual(await all(some.batches(40, 40, 8)), []);
  });
});
