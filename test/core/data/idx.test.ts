import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { all, idx, labels, opened, refuses, values } from "./support.ts";

const images = idx(8, [3, 2, 2], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 255]);
const classes = idx(8, [3], [7, 0, 9]);

describe("IDX files", () => {
  it("give the samples in order, as stored", async () => {
    const dataset = await opened("a-images-idx3-ubyte", { "a-images-idx3-ubyte": images });
    assert.deepEqual(dataset.shape, [2, 2]);
    assert.equal(dataset.count, 3);
    assert.equal(dataset.labelled, false);
    assert.deepEqual(await values(dataset), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 255]);
  });

  it("find their labels beside them, packed or not", async () => {
    for (const beside of ["d/a-labels-idx1-ubyte", "d/a-labels-idx1-ubyte.gz"]) {
      const dataset = await opened("d/a-images-idx3-ubyte.gz", {
        "d/a-images-idx3-ubyte.gz": gzipSync(images),
        [beside]: beside.endsWith("gz") ? gzipSync(classes) : classes,
      });
      assert.equal(dataset.labelled, true);
      assert.deepEqual(await labels(dataset), [7, 0, 9]);
    }
  });

  it("give any range in batches of any size", async () => {
    for (const packed of [false, true]) {
      const contents = { "images.gz": packed ? gzipSync(images) : images };
      const dataset = await opened("images.gz", contents);
      const batches = await all(dataset.batches(1, 3, 5));
      assert.deepEqual(batches, [
        { from: 1, count: 2, x: Float32Array.of(4, 5, 6, 7, 8, 9, 10, 255) },
      ]);
      assert.deepEqual(
        (await all(dataset.batches(0, 9, 2))).map(({ from, count }) => [from, count]),
        [
          [0, 2],
          [2, 1],
        ],
      );
    }
  });

  it("hold signed bytes, 16- and 32-bit integers and floats, big-endian", async () => {
    const cases: [number, number[], number][] = [
      [9, [0xfe], -2],
      [11, [0xff, 0xfe], -2],
      [12, [0, 1, 0, 0], 65536],
      [13, [0x3f, 0xc0, 0, 0], 1.5],
      [14, [0xc0, 4, 0, 0, 0, 0, 0, 0], -2.5],
    ];
    for (const [type, bytes, value] of cases) {
      assert.deepEqual(await values(await opened("v.idx", { "v.idx": idx(type, [1], bytes) })), [
        value,
      ]);
    }
  });

  it("may be gzip files of several members", async () => {
    const packed = Buffer.concat([gzipSync(images.subarray(0, 18)), gzipSync(images.subarray(18))]);
    assert.equal((await values(await opened("images", { images: packed }))).length, 12);
  });

  it("are refused with the byte where they lie", async () => {
    const lying: [Buffer, RegExp][] = [
      [
        images.subarray(0, 20),
        /^a-idx3, byte 20: the header announces 3 × 2 × 2 values \(28 bytes.*there are 20/,
      ],
      [Buffer.concat([images, Buffer.of(1)]), /there are 29 bytes/],
      [
        images.subarray(0, 9),
        /^a-idx3, byte 4: .*7 bytes before the end|byte 9: the data ends here, 7 bytes/,
      ],
      [Buffer.of(1, 2, 3, 4), /^a-idx3, byte 0: not an IDX file: it starts with 1 2 3 4/],
      [Buffer.alloc(0), /byte 0: the data ends here/],
      [
        idx(8, [0xffffffff, 0xffffffff, 0xffffffff], [1]),
        /the header announces 4294967295 × .* but there are 17 bytes/,
      ],
      [idx(8, [0xffffffff, 28, 28], [1]), /4294967295 × 28 × 28 values/],
      [idx(8, [0, 28, 28], []), /there is no sample in it/],
      [gzipSync(idx(8, [0xffffff, 28, 28], [1])), /at most \d+ bytes/],
      [
        gzipSync(idx(8, [4, 2, 2], images.subarray(16))),
        /byte 28: the data ends here, 4 bytes before/,
      ],
      [
        gzipSync(idx(8, [2, 2, 2], images.subarray(16))),
        /byte 24: the data goes on after the 2 samples/,
      ],
      [gzipSync(images).subarray(0, -12), /packed byte 0: the packed data is damaged or cut off/],
      [gzipSync(images).subarray(0, -3), /the packed data is damaged or cut off/],
      [
        Buffer.concat([gzipSync(images).subarray(0, 10), Buffer.alloc(40, 0x77)]),
        /packed data is damaged/,
      ],
      [idx(13, [1], [0x7f, 0xc0, 0, 0]), /sample 0, value 0: the value NaN is not a finite/],
    ];
    for (const [bytes, message] of lying) await refuses("a-idx3", { "a-idx3": bytes }, message);
  });

  it("are refused when a packed byte has changed, even where it still unpacks", async () => {
    const packed = gzipSync(images, { level: 0 });
    // The last pixel stands before the eight bytes of the trailer.
    packed[packed.length - 9] = 254;
    await refuses("a-idx3", { "a-idx3": packed }, /its checksum does not match the 28 bytes/);
  });

  it("are refused with labels of another count, or labels that are no classes", async () => {
    const other = { "images.idx3": images, "labels.idx1": idx(8, [2], [1, 2]) };
    await refuses(
      "images.idx3",
      other,
      /^labels\.idx1: 2 labels for the 3 samples of images\.idx3/,
    );
    const negative = { "images.idx3": images, "labels.idx1": idx(9, [3], [1, 255, 2]) };
    await refuses("images.idx3", negative, /^labels\.idx1, label 1: .* found -1$/);
  });
});
