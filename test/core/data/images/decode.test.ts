import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { unzlibSync } from "fflate";
import { type Arrangement, arrange } from "#core/data/images/arrange.ts";
import { decodeImage } from "#core/data/images/decode.ts";

interface Picture {
  readonly width: number;
  readonly height: number;
  readonly pixels: string;
}

interface Expected {
  readonly files: Readonly<Record<string, Picture & { readonly channels: 1 | 3 }>>;
  readonly resized: readonly (Picture & {
    readonly file: string;
    readonly arrangement: Arrangement;
  })[];
}

const folder = resolve(import.meta.dirname, "../../../fixtures/images");
const expected = JSON.parse(readFileSync(`${folder}/expected.json`, "utf8")) as Expected;
const read = (name: string) => readFileSync(`${folder}/${name}`);
const unpacked = (text: string) => unzlibSync(Buffer.from(text, "base64"));

function differences(
  a: Uint8Array,
  b: Uint8Array,
): { largest: number; over2: number; mean: number } {
  assert.equal(a.length, b.length);
  const all = Array.from(a, (v, i) => Math.abs(v - b[i]!));
  return {
    largest: Math.max(...all),
    over2: all.filter((d) => d > 2).length / all.length,
    mean: all.reduce((x, y) => x + y, 0) / all.length,
  };
}

describe("pictures", () => {
  for (const [name, { width, height, channels, pixels }] of Object.entries(expected.files))
    it(`${name} has the pixels that Pillow sees`, () => {
      const found = decodeImage(read(name));
      assert.deepEqual([found.width, found.height, found.channels], [width, height, channels]);
      const { largest, over2, mean } = differences(found.data, unpacked(pixels));
      if (name.endsWith(".png")) return assert.equal(largest, 0);
      // The standard leaves the rounding of the inverse cosine transform open: 1 in Y, Cb and Cr each.
      assert.ok(largest <= 3 && over2 < 0.002, `largest ${largest}, over 2: ${over2}`);
      assert.ok(mean < (width * height > 100 ? 0.2 : 0.5), `mean ${mean}`);
    });

  for (const { file, arrangement, width, height, pixels } of expected.resized)
    it(`${file} ${JSON.stringify(arrangement)} is what Pillow makes of it`, () => {
      const found = arrange(decodeImage(read(file)), arrangement);
      assert.deepEqual([found.width, found.height], [width, height]);
      assert.equal(differences(found.data, unpacked(pixels)).largest, 0);
    });
});
