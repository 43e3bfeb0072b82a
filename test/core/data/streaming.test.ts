import assert from "node:assert/strict";
import type { ByteSource } from "#core/data/dataset.ts";
import { openDataset } from "#core/data/open.ts";
import { idx } from "./support.ts";

/** An IDX file of that many 28 × 28 images that exists only as it is read. */
function endless(count: number, lengths: number[]): ByteSource {
  const header = idx(8, [count, 28, 28], []);
  return {
    name: "images.idx3",
    size: header.length + count * 784,
    read: async (offset, length) => {
      lengths.push(length);
      const bytes = new Uint8Array(length).fill(7);
      if (offset < header.length) bytes.set(header.subarray(offset, offset + length));
      return bytes;
    },
  };
}

describe("reading a large file", () => {
  it("goes forward in ranges of at most 256 KiB and keeps nothing", async () => {
    const lengths: number[] = [];
    const source = endless(300_000, lengths);
    const files = { open: async (path: string) => (path === source.name ? source : undefined) };
    const { dataset } = await openDataset(source.name, files);
    assert(dataset !== undefined);
    const before = process.memoryUsage.rss();
    let samples = 0;
    for await (const { count, x } of dataset.batches(0, dataset.count, 100)) {
      assert.equal(x[count * 784 - 1], 7);
      samples += count;
    }
    assert.equal(samples, 300_000);
    assert.equal(Math.max(...lengths), 256 * 1024);
    // The file is 235 MB, its values as float32 940 MB.
    assert(process.memoryUsage.rss() - before < 150e6);
  }).timeout(20_000);

  it("starts at the first sample asked for", async () => {
    const lengths: number[] = [];
    const source = endless(300_000, lengths);
    const { dataset } = await openDataset(source.name, {
      open: async (path) => (path === source.name ? source : undefined),
    });
    assert(dataset !== undefined);
    lengths.length = 0;
    for await (const { from } of dataset.batches(299_990, 300_000, 10)) assert.equal(from, 299_990);
    assert.deepEqual(lengths, [7840]);
  });
});
