import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { openSamples, type Samples } from "#server/compute/samples.ts";
import { mnistCnn, pytorchFile } from "../../support/pytorch.ts";

const SHAPE = [1, 28, 28];

/** The sample numbers of the batches in a range. */
async function numbers({ forward }: Samples, batch: number, ranges: readonly [number, number][]) {
  const reader = forward(batch, 10);
  const found: number[][] = [];
  for (const [from, to] of ranges)
    for await (const b of reader.batches(from, to))
      found.push(Array.from({ length: b.count }, (_, i) => b.from + i));
  await reader.close();
  return found;
}

const open = (limit: number) => openSamples({ ...mnistCnn.data, limit }, SHAPE);

describe("samples, read forward", () => {
  it("come in batches, the last one shorter", async () => {
    const samples = await open(5);
    assert.deepEqual(await numbers(samples, 2, [[0, 5]]), [[0, 1], [2, 3], [4]]);
    await samples.close();
  });

  it("come when there are fewer than a batch", async () => {
    const samples = await open(3);
    assert.deepEqual(await numbers(samples, 64, [[0, 3]]), [[0, 1, 2]]);
    await samples.close();
  });

  it("go on from range to range, over ranges that others read", async () => {
    const samples = await open(9);
    const ranges: [number, number][] = [
      [0, 2],
      [4, 6],
      [8, 9],
    ];
    assert.deepEqual(await numbers(samples, 2, ranges), [[0, 1], [4, 5], [8]]);
    await samples.close();
  });

  it("are what the file holds, scaled", async () => {
    const samples = await open(2);
    const bytes = gunzipSync(readFileSync(pytorchFile("mnist200-images-idx3-ubyte.gz")));
    for await (const batch of samples.forward(2, 10).batches(0, 2)) {
      const x = samples.prepare(batch);
      assert.equal(x.length, 2 * 784);
      x.forEach((v, i) => {
        assert.equal(v, Math.fround(bytes[16 + i]! * (1 / 255)));
      });
    }
    await samples.close();
  });
});
