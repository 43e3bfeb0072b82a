import assert from "node:assert/strict";
import { unzipSync } from "fflate";
import { fixture, labels, npy, opened, refuses, values } from "./support.ts";

function array(archive: string, name: string): Uint8Array {
  const bytes = unzipSync(fixture(archive))[`${name}.npy`];
  assert(bytes !== undefined, name);
  return bytes;
}

const samples = Array.from({ length: 24 }, (_, i) => (i - 5) / 4);

describe("numpy files", () => {
  it("hold samples and labels in a .npz, stored or deflated, indices or one-hot", async () => {
    for (const name of ["stored.npz", "deflated.npz"]) {
      const dataset = await opened(name, { [name]: fixture(name) });
      assert.deepEqual(dataset.shape, [2, 3]);
      assert.deepEqual(await values(dataset, 3), samples);
      assert.deepEqual(await labels(dataset, 3), [2, 0, 1, 2]);
    }
  });

  it("may name their arrays otherwise", async () => {
    const files = { "mnist.npz": fixture("keras.npz") };
    const dataset = await opened("mnist.npz#x=x_test&y=y_test", files);
    assert.deepEqual(await labels(dataset), [2, 0, 1, 2]);
    await refuses("mnist.npz", files, /there is no array x, only x_train, y_train, x_test, y_test/);
    await refuses("mnist.npz#z=1", files, /#z= means nothing here; use x or y/);
  });

  it("hold every number type in both byte orders, and every format version", async () => {
    const kinds = ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8"];
    for (const kind of kinds.flatMap((kind) => [`${kind}little`, `${kind}big`])) {
      assert.deepEqual(
        await values(await opened("a.npy", { "a.npy": array("types.npz", kind) })),
        [1, 0, 100],
        kind,
      );
    }
    for (const version of [1, 2, 3]) {
      // The array holds the bytes of a .npy file.
      const inner = array("types.npz", `version${version}`).subarray(128);
      assert.deepEqual(await values(await opened("a.npy", { "a.npy": inner })), [1, 0, 100]);
    }
    assert.deepEqual(
      await values(await opened("a.npy", { "a.npy": array("types.npz", "bool") })),
      [1, 0, 1],
    );
  });

  it("find their labels beside them", async () => {
    const files = {
      "X_test.npy": array("stored.npz", "x"),
      "y_test.npy": array("stored.npz", "y"),
    };
    assert.deepEqual(await labels(await opened("X_test.npy", files)), [2, 0, 1, 2]);
  });

  it("are refused when they hold anything but a dense table of numbers", async () => {
    const refused: [string, RegExp][] = [
      ["half", /values of type f2 cannot be read; save the array as float32/],
      ["text", /values of type U1/],
      ["fortran", /Fortran order; save numpy\.ascontiguousarray/],
      ["scalar", /an array of 0 dimensions/],
    ];
    for (const [name, message] of refused) {
      await refuses("a.npy", { "a.npy": array("types.npz", name) }, message);
    }
    const records = npy(
      "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }",
      Buffer.alloc(4),
    );
    await refuses("a.npy", { "a.npy": records }, /type other than numbers/);
    await refuses(
      "a.npy",
      { "a.npy": npy("{'descr': '<f4'}", Buffer.alloc(4)) },
      /byte 10: the header has no shape/,
    );
    const huge = npy(
      `{'descr': '<f4', 'fortran_order': False, 'shape': (${"9".repeat(400)}, 0), }`,
      Buffer.alloc(4),
    );
    await refuses("a.npy", { "a.npy": huge }, /no sample in it/);
  });

  it("are refused when the archive lies about an entry", async () => {
    const bytes = fixture("deflated.npz");
    // Central directory: the unpacked size of the first entry stands 24 bytes after its signature.
    const at = Buffer.from(bytes).indexOf(Buffer.from("PK\x01\x02", "latin1")) + 24;
    const bomb = Buffer.from(bytes);
    bomb.writeUInt32LE(0x40000000, at);
    await refuses(
      "b.npz",
      { "b.npz": bomb },
      /entry x\.npy, byte 0: \d+ packed bytes cannot hold the 1073741824/,
    );
    const short = Buffer.from(bytes);
    short.writeUInt32LE(200, at);
    await refuses("b.npz", { "b.npz": short }, /entry x\.npy, .*(200)/);
    await refuses("b.npz", { "b.npz": bytes.subarray(0, -30) }, /directory at the end is missing/);
    await refuses("b.npz", { "b.npz": Buffer.alloc(0) }, /not a readable zip archive/);
  });
});
