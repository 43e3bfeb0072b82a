import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { fitToInput, prepare } from "#core/data/preprocess.ts";
import { labels, opened } from "./support.ts";

const folder = new URL("../../../samples/digits/", import.meta.url);

describe("the sample's digits", () => {
  it("are 2,000 labelled images of every class that fit the sample's model", async () => {
    const names = ["t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"];
    const files = Object.fromEntries(
      names.map((name) => [name, readFileSync(new URL(name, folder))]),
    );
    const dataset = await opened("t10k-images-idx3-ubyte.gz", files);
    assert.equal(dataset.count, 2000);
    assert.equal(new Set(await labels(dataset, 256)).size, 10);

    const fit = fitToInput(dataset.shape, [1, 28, 28]);
    assert("kind" in fit);
    for await (const batch of dataset.batches(0, 64, 64)) {
      const x = prepare(batch, fit, { scale: 1 / 255 });
      assert.equal(x.length, 64 * 784);
      assert.equal(
        x.reduce((a, b) => Math.max(a, b)),
        1,
      );
      assert.equal(
        x.reduce((a, b) => Math.min(a, b)),
        0,
      );
    }
  }).timeout(20_000);
});
