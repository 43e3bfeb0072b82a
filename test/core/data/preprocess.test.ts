import assert from "node:assert/strict";
import { limit } from "#core/data/limit.ts";
import { type Fit, fitToInput, type Preprocess, prepare } from "#core/data/preprocess.ts";
import { idx, opened, values } from "./support.ts";

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

  it("limits a dataset to its first samples", async () => {
    const dataset = await opened("i", { i: idx(8, [3, 1], [1, 2, 3]) });
    const two = limit(dataset, 2);
    assert.equal(two.count, 2);
    assert.deepEqual(await values({ ...two, count: 9 }), [1, 2]);
    assert.equal(limit(dataset, 5).count, 3);
  });
});
