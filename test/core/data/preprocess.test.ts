import assert from "node:assert/strict";
import { classMismatch, pictureKeys, rangeMismatch } from "#core/data/mismatch.ts";
import {
  channelsFor,
  type Fit,
  fitToInput,
  type Preprocess,
  prepare,
} from "#core/data/preprocess.ts";
import { idx, npy, opened } from "./support.ts";

function fits(sample: number[], input: number[], preprocess: Preprocess = {}): Fit {
  const fit = fitToInput(sample, input, preprocess, "data.npz");
  assert("kind" in fit, JSON.stringify(fit));
  return fit;
}

function prepared(
  sample: number[],
  input: number[],
  x: number[],
  preprocess: Preprocess = {},
): number[] {
  const count = x.length / sample.reduce((a, b) => a * b, 1);
  return [
    ...prepare(
      { from: 0, count, x: Float32Array.from(x) },
      fits(sample, input, preprocess),
      preprocess,
    ),
  ];
}

describe("preprocessing", () => {
  it("fits IDX images to inputs with a channel first, last, none, or flat", () => {
    for (const input of [[1, 28, 28], [28, 28, 1], [28, 28], [784]]) {
      assert.deepEqual(fits([28, 28], input).shape, input);
    }
    assert.equal(fits([784], [1, 28, 28]).move, "none");
    assert.equal(fits([28, 28, 3], [3, 28, 28]).move, "to-first");
    assert.equal(fits([3, 28, 28], [28, 28, 3]).move, "to-last");
  });

  it("shows both shapes when they do not fit", () => {
    assert.deepEqual(fitToInput([28, 28], [3, 28, 28], {}, "images.gz"), {
      code: "data-mismatch",
      message:
        "the model expects samples of shape [3, 28, 28], the data has [28, 28]; choose data of that shape or another model",
      at: { file: "images.gz" },
    });
    assert("code" in fitToInput([28, 14, 2], [28, 28]));
    assert("code" in fitToInput([4, 3, 2], [3, 4, 2]));
  });

  it("scales first, then subtracts the mean and divides by the standard deviation", () => {
    // (10 × 0.5 − 1) / 2 = 2
    assert.deepEqual(prepared([2], [2], [10, 2], { scale: 0.5, mean: [1], std: [2] }), [2, 0]);
  });

  it("knows the channels of either layout", () => {
    const rgb: Preprocess = { mean: [0, 10, 20], std: [1, 2, 4] };
    // Two pixels of three channels: channel c is (x − mean[c]) / std[c].
    assert.deepEqual(
      prepared([1, 2, 3], [1, 2, 3], [1, 12, 24, 2, 14, 28], { ...rgb, layout: "NHWC" }),
      [1, 1, 1, 2, 2, 2],
    );
    assert.deepEqual(
      prepared([3, 1, 2], [3, 1, 2], [1, 2, 12, 14, 24, 28], rgb),
      [1, 2, 1, 2, 1, 2],
    );
    assert.deepEqual(
      prepared([1, 2, 3], [3, 1, 2], [1, 12, 24, 2, 14, 28], rgb),
      [1, 2, 1, 2, 1, 2],
    );
    assert.deepEqual(
      prepared([3, 1, 2], [1, 2, 3], [1, 2, 12, 14, 24, 28], rgb),
      [1, 1, 1, 2, 2, 2],
    );
  });

  it("treats every feature of a table as a channel", () => {
    assert.deepEqual(prepared([2], [2], [3, 9, 5, 5], { mean: [1, 5], std: [2, 4] }), [1, 1, 2, 0]);
  });

  it("refuses a mean that fits no channels and a deviation of 0", () => {
    const wrong = fitToInput([28, 28], [1, 28, 28], { mean: [1, 2, 3] }, "kaibo.json");
    assert("code" in wrong && /mean has 3 values for 1 channels/.test(wrong.message));
    const zero = fitToInput([2], [2], { std: [1, 0] });
    assert("code" in zero && /std holds 0/.test(zero.message));
  });

  it("fits pictures, and knows the size they lack", () => {
    const fitted = (sample: number[], input: number[], preprocess: Preprocess = {}) =>
      fitToInput(sample, input, preprocess, "pets", true);
    for (const [sample, input, preprocess, fix] of [
      [[9, 8, 3], [3, 4, 5], {}, { key: "size", value: [4, 5] }],
      [[9, 8, 3], [4, 5, 3], {}, { key: "size", value: [4, 5] }],
      [[9, 8], [1, 4, 5], {}, { key: "size", value: [4, 5] }],
      [[9, 8], [4, 5], {}, { key: "size", value: [4, 5] }],
      [[9, 8, 3], [3, 4, 5], { crop: [9, 8] }, { key: "crop", value: [4, 5] }],
      [[9, 8, 3], [1, 4, 5], {}, undefined],
      [[9, 8, 3], [7], {}, undefined],
    ] as const) {
      const found = fitted([...sample], [...input], preprocess);
      assert("code" in found);
      assert.equal(found.code, "data-mismatch");
      assert.deepEqual(found.fix, fix);
    }
    // Arrays have no such way out.
    assert(!("fix" in fitToInput([9, 8, 3], [3, 4, 5], {}, "x.npz")));
  });

  it("wants to know the layout of a flat input for colour pictures", () => {
    const x = [1, 2, 3, 4, 5, 6];
    const flat = (layout?: "NCHW" | "NHWC") =>
      fitToInput([1, 2, 3], [6], layout === undefined ? {} : { layout }, "pets", true);
    const open = flat();
    assert("code" in open && /say in "layout"/.test(open.message));
    for (const [layout, expected] of [
      ["NCHW", [1, 4, 2, 5, 3, 6]],
      ["NHWC", x],
    ] as const) {
      const fit = flat(layout);
      assert("kind" in fit);
      const batch = { from: 0, count: 1, x: Float32Array.from(x) };
      assert.deepEqual([...prepare(batch, fit, { layout })], expected);
      const scaled = prepare(batch, fit, { layout, mean: [0, 0, 1] });
      assert.equal(scaled[expected.indexOf(6)], 5);
    }
  });

  it("guesses the layout that mean and std fit", () => {
    const rgb = [0.1, 0.2, 0.3];
    const wrong = fitToInput([8, 9, 3], [8, 9, 3], { layout: "NCHW", mean: rgb }, "x.npz");
    assert("code" in wrong && /mean has 3 values for 8 channels/.test(wrong.message));
    assert.deepEqual(wrong.fix, { key: "layout", value: "NHWC" });
  });

  it("takes pictures in the channels of the input", () => {
    for (const [input, size, channels] of [
      [[3, 8, 8], undefined, "rgb"],
      [[8, 8, 3], undefined, "rgb"],
      [[1, 8, 8], undefined, "grey"],
      [[8, 8, 1], undefined, "grey"],
      [[8, 8], undefined, "grey"],
      [[784], undefined, "grey"],
      [[3072], undefined, "rgb"],
      [[12], [3, 4], "grey"],
      [[12], [2, 2], "rgb"],
    ] as const)
      assert.equal(channelsFor(input, size), channels, input.join());
  });

  it("says that bytes are not scaled, where mean and std are certainly for 0 to 1", async () => {
    const dataset = await opened("i", { i: idx(8, [2, 1, 2], [0, 255, 3, 4]) });
    const found = await rangeMismatch(dataset, { mean: [0.5], std: [0.25] });
    assert.deepEqual(found?.fix, { key: "scale", value: 1 / 255 });
    assert.match(found.message, /the data holds values up to 255/);
    const bits = await opened("i", { i: idx(8, [2, 1, 2], [0, 1, 1, 0]) });
    const floats = await opened("i", { i: idx(14, [1, 1, 1], [0x40, 0x6f, 0xe0, 0, 0, 0, 0, 0]) });
    for (const [other, preprocess] of [
      [dataset, { mean: [0.5], std: [0.25], scale: 1 / 255 }],
      [dataset, { mean: [127], std: [50] }],
      [dataset, { mean: [0.5], std: [50] }],
      [dataset, { mean: [0], std: [1] }],
      [dataset, {}],
      [bits, { mean: [0.5], std: [0.25] }],
      [floats, { mean: [0.5], std: [0.25] }],
    ] as const)
      assert.equal(await rangeMismatch(other, preprocess), undefined);
  });

  it("refuses keys of pictures for other data, and more classes than outputs", async () => {
    const dataset = await opened("i", { i: idx(8, [1, 1], [7]) });
    assert.match(
      pictureKeys(dataset, { size: 5, crop: [1, 1] })!.message,
      /"size", "crop" are for/,
    );
    assert.equal(pictureKeys({ ...dataset, pictures: true }, { size: 5 }), undefined);
    const three = { ...dataset, classes: ["a", "b", "c"] };
    assert.match(classMismatch(three, 2)!.message, /3 classes \(a, b, c\), but the model has 2/);
    for (const outputs of [1, 3, 4]) assert.equal(classMismatch(three, outputs), undefined);
  });

  it("keeps token ids as they are", async () => {
    const header = "{'descr': '<i8', 'fortran_order': False, 'shape': (2, 3), }";
    const ids = BigInt64Array.from([101n, 30521n, 0n, 7n, 2n ** 24n - 1n, 102n]);
    const dataset = await opened("a.npy", { "a.npy": npy(header, new Uint8Array(ids.buffer)) });
    const fit = fits([3], [3]);
    for await (const batch of dataset.batches(0, 2, 2))
      assert.deepEqual([...prepare(batch, fit)], [...ids].map(Number));
  });
});
