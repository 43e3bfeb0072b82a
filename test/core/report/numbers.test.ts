import assert from "node:assert/strict";
import { columnFormat, count, large, percent, share } from "#core/report/numbers.ts";
import { ranks } from "#core/report/ranks.ts";
import { shares } from "#core/report/shares.ts";

describe("numbers for people", () => {
  it("group thousands", () => {
    assert.deepEqual([0, 999, 1000, 1_199_882].map(count), ["0", "999", "1,000", "1,199,882"]);
  });

  it("shorten large numbers to three digits and a prefix", () => {
    const shown = [0, 999, 1234, 11_283_456, 999_999, 4.1e9, 123_456].map(large);
    assert.deepEqual(shown, ["0", "999", "1.23 K", "11.3 M", "1.00 M", "4.10 G", "123 K"]);
  });

  it("give shares as percentages that are 0 only for 0", () => {
    assert.deepEqual([0, 0.021, 0.5, 0.0032, 1e-9].map(percent), [
      "0 %",
      "2 %",
      "50 %",
      "0.3 %",
      "under 0.01 %",
    ]);
    assert.deepEqual(
      [0, 0.004, 0.006, 1].map((s) => share(s, 2)),
      ["0.00", "<0.01", "0.01", "1.00"],
    );
  });

  it("say less than where a column spans more than fixed decimals show", () => {
    assert.deepEqual([1, 1e-9, 0].map(columnFormat([1, 1e-9])), ["1.000", "<0.001", "0.000"]);
  });

  it("use exponents where even the largest is too small for decimals", () => {
    assert.deepEqual([2e-6, 1e-9].map(columnFormat([2e-6, 1e-9])), ["2.000e-6", "1.000e-9"]);
    assert.deepEqual([0].map(columnFormat([])), ["0.0000"]);
  });
});

describe("ranks", () => {
  it("count from the largest, equal values in unit order, what is no number last", () => {
    assert.deepEqual(ranks([0.1, Number.NaN, 0.5, 0.1]), [2, 4, 1, 3]);
  });
});

describe("shares of the classes", () => {
  it("sum to 1 over the units, leaving out classes that nothing speaks for", () => {
    // Class 0: 1/4, 3/4; class 1 is empty; class 2: 1/2, 1/2. Mean: 3/8, 5/8.
    const found = shares(
      [
        [1, -3],
        [0, 0],
        [2, 2],
      ],
      2,
    );
    assert.deepEqual(found?.contribution, [0.375, 0.625]);
    assert.equal(shares([], 2), undefined);
    assert.equal(shares([[Number.NaN, 1]], 2), undefined);
  });
});
