import assert from "node:assert/strict";
import { deflateRawSync, gzipSync } from "node:zlib";
import fc from "fast-check";
import { openDataset } from "#core/data/open.ts";
import { ProblemError } from "#core/problem.ts";
import { runs } from "../../support/fuzzing.ts";
import { all, filesOf, fixture, idx, npy } from "./support.ts";

const image = Array.from({ length: 120 }, (_, i) => (i * 37) % 256);
const header = "{'descr': '<i2', 'fortran_order': False, 'shape': (30, 2), }";

/** One honest file of each kind. */
const honest: readonly (readonly [name: string, bytes: Uint8Array])[] = Object.entries({
  "plain-images-idx3-ubyte": idx(8, [30, 2, 2], image),
  "packed-images-idx3-ubyte.gz": gzipSync(idx(8, [30, 2, 2], image)),
  "floats.idx": idx(13, [30], image),
  "a.npy": npy(header, Buffer.from(image)),
  "a.npy.gz": gzipSync(npy(header, Buffer.from(image))),
  "stored.npz": fixture("stored.npz"),
  "deflated.npz": fixture("deflated.npz"),
  "t.csv#target=c": Buffer.from('a,"b;d",c\n1,2,x\n"3",4,"y"\n5,6.5e1,x\n'),
  "t.csv.gz": gzipSync(Buffer.from("1;2\n3;4\n")),
});

/** Reads a damaged file to its end: it may still be a file, or a problem, and nothing else. */
async function survives(name: string, bytes: Uint8Array): Promise<void> {
  const path = name.replace(/#.*/, "");
  const { dataset, problems } = await openDataset(name, filesOf({ [path]: bytes }));
  assert.equal(problems.length, dataset === undefined ? 1 : 0);
  for (const { at, message } of problems) {
    assert.equal(at.file, path);
    assert(message.length > 0);
  }
  if (dataset === undefined) return;
  await all(dataset.batches(0, dataset.count, 7)).catch((error: unknown) => {
    assert(error instanceof ProblemError, `${name}: ${String(error)}`);
    assert.equal(error.problem.code, "unreadable-data");
    assert.equal(error.problem.at.file, path);
  });
}

const settings = { seed: 20261121, endOnFailure: true } as const;

describe("damaged data files", () => {
  it("are honest to begin with", async () => {
    for (const [name, bytes] of honest) {
      const path = name.replace(/#.*/, "");
      const { dataset, problems } = await openDataset(name, filesOf({ [path]: bytes }));
      assert.deepEqual(problems, [], name);
      assert(dataset !== undefined);
      assert((await all(dataset.batches(0, dataset.count, 7))).length > 0);
    }
  });

  it("give a problem wherever they are cut off", async () => {
    for (const [name, bytes] of honest) {
      for (let length = 0; length < Math.min(bytes.length, 700); length++) {
        await survives(name, bytes.subarray(0, length));
      }
    }
  }).timeout(runs(20_000));

  it("give a problem or other values when bytes have changed", async () => {
    const change = fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 }));
    const damage = fc.tuple(
      fc.constantFrom(...honest),
      fc.array(change, { minLength: 1, maxLength: 6 }),
    );
    const property = fc.asyncProperty(damage, async ([[name, original], changes]) => {
      const bytes = Uint8Array.from(original);
      for (const [at, value] of changes) bytes[at % bytes.length] = value;
      await survives(name, bytes);
    });
    await fc.assert(property, { ...settings, numRuns: runs(1500) });
  }).timeout(runs(20_000));

  it("give a problem when they are noise behind an honest beginning", async () => {
    const noise = fc.tuple(
      fc.constantFrom(...honest),
      fc.nat({ max: 40 }),
      fc.uint8Array({ maxLength: 300 }),
    );
    const property = fc.asyncProperty(noise, ([[name, original], kept, bytes]) =>
      survives(name, Buffer.concat([original.subarray(0, kept), bytes])),
    );
    await fc.assert(property, { ...settings, numRuns: runs(600) });
  }).timeout(runs(20_000));

  it("take little memory, however much they announce or unpack to", async () => {
    const zeros = Buffer.alloc(16 * 1024 * 1024);
    const deflated = deflateRawSync(zeros);
    const gzip = Buffer.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3);
    const bombs: Record<string, Uint8Array> = {
      "wide.idx": gzipSync(idx(8, [2, 8192, 8191], [])),
      "long.idx": gzipSync(Buffer.concat([idx(8, [4, 2], []), zeros])),
      "zeros.idx": Buffer.concat([gzip, deflated]),
      "zeros.csv": Buffer.concat([gzip, deflated]),
      "quote.csv": gzipSync(Buffer.concat([Buffer.from('a\n"'), zeros])),
    };
    const before = process.memoryUsage.rss();
    for (const [name, bytes] of Object.entries(bombs)) await survives(name, bytes);
    assert(process.memoryUsage.rss() - before < 200e6, "grew by more than 200 MB");
  }).timeout(runs(20_000));
});
