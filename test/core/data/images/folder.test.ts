import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { deflateSync } from "node:zlib";
import fc from "fast-check";
import type { Batch, Dataset } from "#core/data/dataset.ts";
import type { Arrangement } from "#core/data/images/arrange.ts";
import { decodeImage } from "#core/data/images/decode.ts";
import type { Folder } from "#core/data/images/folder.ts";
import { BadImage } from "#core/data/images/pixels.ts";
import { openDataset } from "#core/data/open.ts";
import { type Problem, ProblemError, describe as show } from "#core/problem.ts";
import { runs } from "../../../support/fuzzing.ts";
import { pngOf } from "../../../support/png.ts";
import { all, filesOf } from "../support.ts";

const fixtures = resolve(import.meta.dirname, "../../../fixtures/images");
const fixture = (name: string) => new Uint8Array(readFileSync(`${fixtures}/${name}`));
const RGB = fixture("png-2-8.png");
const GREY = fixture("png-0-8.png");
const PHOTO = fixture("jpeg-420.jpg");

type Content = Readonly<Record<string, Uint8Array>>;

function folderOf(content: Content, folders: readonly string[] = []): Folder {
  const names = Object.keys(content);
  const direct = names.filter((n) => n.includes("/")).map((n) => n.split("/")[0]!);
  return {
    path: "data/pets",
    files: names,
    folders: [...new Set([...direct, ...folders])],
    read: async (file) => content[file]!,
  };
}

const open = (
  content: Content,
  pictures: Arrangement = {},
  labels?: Uint8Array,
  folders: readonly string[] = [],
) =>
  openDataset(
    "data/pets",
    {
      ...filesOf(labels === undefined ? {} : { "labels.csv": labels }),
      folder: async (path) => (path === "data/pets" ? folderOf(content, folders) : undefined),
    },
    { pictures, ...(labels === undefined ? {} : { labels: "labels.csv" }) },
  );

async function opened(...args: Parameters<typeof open>): Promise<Dataset> {
  const { dataset, problems } = await open(...args);
  assert.deepEqual(problems, []);
  return dataset!;
}

async function refusal(...args: Parameters<typeof open>): Promise<string> {
  const { dataset, problems } = await open(...args);
  assert.equal(dataset, undefined);
  return show(problems[0]!);
}

const labelsOf = async (dataset: Dataset, size = 2): Promise<number[]> =>
  (await all(dataset.batches(0, dataset.count, size))).flatMap((b: Batch) => [...(b.labels ?? [])]);

const text = (csv: string) => new Uint8Array(Buffer.from(csv));

async function problemOf(work: Promise<unknown>): Promise<Problem> {
  const error = await work.then(
    () => assert.fail("nothing was wrong"),
    (e: unknown) => e,
  );
  assert.ok(error instanceof ProblemError, String(error));
  return error.problem;
}

describe("a folder of pictures", () => {
  it("has a class for each folder, in the order of torchvision's ImageFolder", async () => {
    const dataset = await opened({
      "dog/b.png": RGB,
      "dog/a.PNG": RGB,
      "cat/sub/x.png": RGB,
      "cat/z.png": RGB,
      "cat-2/a.png": RGB,
      "dog/notes.txt": text("no picture"),
      ".cache/x.png": RGB,
    });
    assert.deepEqual(dataset.classes, ["cat", "cat-2", "dog"]);
    assert.deepEqual([dataset.count, dataset.shape, dataset.labelled], [5, [19, 27, 3], true]);
    assert.deepEqual(await labelsOf(dataset), [0, 0, 1, 2, 2]);
  });

  it("holds the values of the pixels, from any sample on", async () => {
    const dataset = await opened({ "a.png": RGB, "b.png": GREY, "c.png": RGB });
    const [last] = await all(dataset.batches(2, 3, 4));
    assert.deepEqual([last!.from, last!.count, last!.labels], [2, 1, undefined]);
    assert.deepEqual([...last!.x], [...decodeImage(RGB).data]);
    const [grey] = await all(dataset.batches(1, 2, 1));
    assert.deepEqual(
      [...grey!.x],
      [...decodeImage(GREY).data].flatMap((v) => [v, v, v]),
    );
    const flat = await opened({ "b.png": GREY }, { channels: "grey" });
    assert.deepEqual(flat.shape, [19, 27]);
  });

  it("takes labels by name from a table, or in order from a list", async () => {
    const content = { "b.png": RGB, "in/a.png": RGB, "c.png": RGB };
    for (const [csv, classes, labels] of [
      [
        "name,label\nc.png,cat\nb.png,dog\nin/a.png,cat\nother.png,emu\n",
        ["cat", "dog", "emu"],
        [1, 0, 0],
      ],
      ["id;Label;File Name\n1;2;c.png\n2;0;./b.png\n3;1;in\\a.png\n", undefined, [0, 2, 1]],
      ["b.png,x\nc.png,x\nin/a.png,y\n", ["x", "y"], [0, 0, 1]],
      ["label\ndog\ncat\ndog\n", ["cat", "dog"], [1, 0, 1]],
    ] as const) {
      const dataset = await opened(content, {}, text(csv));
      assert.deepEqual(dataset.classes, classes);
      assert.deepEqual(await labelsOf(dataset), labels);
    }
  });

  it("is refused where labels are missing, doubled or of another number", async () => {
    const content = { "b.png": RGB, "c.png": RGB };
    for (const [csv, said] of [
      ["name,label\nb.png,1\n", /labels\.csv: there is no label for c\.png/],
      ["name,label\nb.png,1\nb.png,0\nc.png,1\n", /row 3: b\.png has two labels/],
      ["name,label\nb.png\n", /row 2: the row has no name and label/],
      ["a,b,c\n1,2,3\n", /row 1: there are no columns name and label/],
      ["label\n1\n", /1 labels for the 2 samples/],
    ] as const)
      assert.match(await refusal(content, {}, text(csv)), said);
  });

  it("is refused where the classes are not certain", async () => {
    assert.match(
      await refusal({ "a.png": RGB, "x/b.png": RGB }),
      /beside the folders of the classes/,
    );
    assert.match(
      await refusal({ "x/b.png": RGB }, {}, undefined, ["w"]),
      /class folder w holds no pictures/,
    );
    assert.match(
      await refusal({ "x/b.webp": RGB, "x/a.png": RGB }),
      /pets\/x\/b\.webp: pictures of this kind/,
    );
    assert.match(await refusal({ "readme.txt": RGB }), /no PNG or JPEG/);
  });

  it("may have pictures of several sizes when they are resized or cut", async () => {
    const content = { "a.png": RGB, "b.jpg": PHOTO };
    for (const arrangement of [{ size: [8, 9] }, { size: 10, crop: [8, 9] }, { crop: [8, 9] }]) {
      const dataset = await opened(content, arrangement);
      assert.deepEqual(dataset.shape, [8, 9, 3]);
      assert.equal((await all(dataset.batches(0, 2, 2)))[0]!.x.length, 2 * 8 * 9 * 3);
    }
    const mixed = await opened(content);
    const problem = await problemOf(all(mixed.batches(0, 2, 1)));
    assert.equal(problem.code, "data-mismatch");
    assert.match(
      show(problem),
      /pets\/b\.jpg: expected a picture of 27 × 19 like a\.png, found 53 × 45; set "size" to \[19, 27\]/,
    );
    assert.deepEqual(problem.fix, { key: "size", value: [19, 27] });
    assert.match(await refusal({ "a.png": RGB }, { crop: [20, 20] }), /20 × 20 cannot be cut/);
  });

  it("names the picture that is damaged", async () => {
    const dataset = await opened({ "a.png": RGB, "b.png": RGB.subarray(0, 300) });
    const problem = await problemOf(all(dataset.batches(0, 2, 2)));
    assert.match(show(problem), /^data\/pets\/b\.png: the PNG is damaged/);
    assert.match(
      await refusal({ "a.jpg": text("GIF89a") }),
      /pets\/a\.jpg: it is neither PNG nor JPEG/,
    );
    assert.match(await refusal({ "a.jpg": fixture("cmyk.jpg") }), /4 colour components/);
  });
});

describe("damaged pictures", () => {
  const honest = [
    "png-2-8.png",
    "png-3-2-interlaced.png",
    "png-6-16.png",
    "jpeg-420.jpg",
    "jpeg-progressive.jpg",
    "jpeg-grey.jpeg",
  ];
  const survives = (bytes: Uint8Array): void => {
    try {
      const { width, height, channels, data } = decodeImage(bytes);
      assert.equal(data.length, width * height * channels);
    } catch (error) {
      assert.ok(error instanceof BadImage, String((error as Error).stack));
    }
  };

  it("are pictures still, or said to be damaged", () => {
    const change = fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 }));
    const damage = fc.tuple(
      fc.constantFrom(...honest),
      fc.array(change, { maxLength: 5 }),
      fc.option(fc.nat({ max: 2000 }), { freq: 3 }),
    );
    fc.assert(
      fc.property(damage, ([name, changes, length]) => {
        const bytes = fixture(name).slice(0, length ?? undefined);
        for (const [at, value] of changes) if (bytes.length > 0) bytes[at % bytes.length] = value;
        survives(bytes);
      }),
      { seed: 20261121, endOnFailure: true, numRuns: runs(600) },
    );
  }).timeout(runs(60_000));

  it("take little memory, however much they announce or unpack to", () => {
    const before = process.memoryUsage.rss();
    assert.throws(
      () => decodeImage(pngOf(1 << 20, 1 << 20, Buffer.alloc(4))),
      /4 packed bytes cannot hold a picture of 1048576 × 1048576/,
    );
    assert.throws(() => decodeImage(pngOf(0, 5, Buffer.alloc(4))), /holds nothing/);
    // 100 MB of zeros for a picture of 8 × 8: what does not belong to it is not held.
    assert.equal(decodeImage(pngOf(8, 8, deflateSync(Buffer.alloc(100e6)))).data.length, 192);
    assert.throws(() => decodeImage(pngOf(8, 8, deflateSync(Buffer.alloc(50)))), /50 of 200 bytes/);
    const jpeg = fixture("jpeg-420.jpg");
    const frame = jpeg.findIndex((v, i) => v === 0xff && jpeg[i + 1] === 0xc0);
    jpeg.set([0xff, 0xff, 0xff, 0xff], frame + 5);
    assert.throws(() => decodeImage(jpeg), /65535 × 65535 has 4,294,836,225 pixels, and the limit/);
    assert.ok(process.memoryUsage.rss() - before < 300e6);
  }).timeout(runs(20_000));
});
