/** Readers of data and their limits. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { openDataset } from "#core/data/open.ts";
import { type Limits, NO_LIMITS, USUAL_LIMITS } from "#core/limits.ts";
import type { Problem } from "#core/problem.ts";
import { greyPng, pngOf } from "../../support/png.ts";
import { filesOf } from "../data/support.ts";

describe("limits of data", () => {
  const JPEG = readFileSync(resolve("test/fixtures/images/jpeg-420.jpg"));
  const contents = {
    "digits-idx1-ubyte": Uint8Array.of(0, 0, 8, 2, 0, 0, 0, 1, 0, 0, 0, 3, 7, 8, 9),
  };

  /** What is wrong with the first batch. */
  async function problemOf(
    name: string,
    limits: Partial<Limits>,
    picture?: Uint8Array,
  ): Promise<Problem | undefined> {
    const all = { ...NO_LIMITS, ...limits };
    const folder =
      picture &&
      (async () => ({
        path: name,
        files: ["a.png"],
        folders: [],
        read: async (_file: string, given: Limits) => {
          assert.equal(given, all);
          return picture;
        },
      }));
    const files = { ...filesOf(contents), ...(folder === undefined ? {} : { folder }) };
    const { dataset, problems } = await openDataset(name, files, { limits: all });
    assert.equal(dataset === undefined, problems.length > 0);
    return problems[0];
  }

  async function limited(
    name: string,
    own: Partial<Limits>,
    message: RegExp,
    picture?: Uint8Array,
  ): Promise<void> {
    const found = await problemOf(name, own, picture);
    assert.equal(found?.code, "over-limit");
    assert.match(found.message, message);
    assert.match(found.message, /raise kaibo\.limits\.pixels, or open it anyway/);
    for (const limits of [NO_LIMITS, USUAL_LIMITS])
      assert.equal(await problemOf(name, limits, picture), undefined);
  }

  it("pixels of a PNG", () =>
    limited(
      "pets",
      { pixels: 59 },
      /a picture of 10 × 6 has 60 pixels, and the limit is 59/,
      greyPng(10, new Uint8Array(60)),
    ));

  it("pixels of a JPEG", () =>
    limited("pets", { pixels: 100 }, /a picture of \d+ × \d+ has [\d,]+ pixels/, JPEG));

  it("values of one sample", () =>
    limited(
      "digits-idx1-ubyte",
      { sampleValues: 2 },
      /one sample has 3 values, and the limit is 2/,
    ));

  it("do not stand in for what cannot be true", async () => {
    // Four bytes are no picture of 10^10 pixels, whoever opens it.
    const lies = pngOf(100_000, 100_000, Buffer.alloc(4));
    const found = await problemOf("pets", NO_LIMITS, lies);
    assert.equal(found?.code, "unreadable-data");
    assert.match(found.message, /4 packed bytes cannot hold a picture of 100000 × 100000/);
  });
});
