import assert from "node:assert/strict";
import fc from "fast-check";
import { ascending, equalPairs, gaps } from "#core/diff/sequence.ts";

describe("pairs of two sequences", () => {
  it("keep the longest part that ascends in both", () => {
    // 3 → 0 crosses the others.
    assert.deepEqual(
      ascending([
        [0, 1],
        [1, 2],
        [3, 0],
        [4, 5],
      ]),
      [
        [0, 1],
        [1, 2],
        [4, 5],
      ],
    );
  });

  it("find a sequence of different keys in any that it is a part of", () => {
    const property = fc.property(
      fc
        .uniqueArray(fc.nat(1000), { maxLength: 40 })
        .chain((all) => fc.tuple(fc.constant(all), fc.subarray(all))),
      ([all, part]) => {
        const expected = part.map((key, j) => [all.indexOf(key), j]);
        assert.deepEqual(equalPairs(all, part), expected);
      },
    );
    fc.assert(property, { numRuns: 300, seed: 3 });
  });

  it("find one for every key of a part also where keys repeat, in order", () => {
    const property = fc.property(
      fc
        .array(fc.nat(3), { maxLength: 30 })
        .chain((all) => fc.tuple(fc.constant(all), fc.subarray(all))),
      ([all, part]) => {
        const pairs = equalPairs(all, part);
        assert.deepEqual(
          pairs.map(([i, j]) => [all[i], j]),
          part.map((key, j) => [key, j]),
        );
        assert.deepEqual(ascending(pairs), pairs);
      },
    );
    fc.assert(property, { numRuns: 300, seed: 4 });
  });

  it("leave stretches between them that cover the rest", () => {
    const spans = gaps(
      [
        [1, 0],
        [2, 3],
      ],
      5,
      4,
    ).map(({ before, after }) => [before, after]);
    assert.deepEqual(spans, [
      [
        [0, 1],
        [0, 0],
      ],
      [
        [2, 2],
        [1, 3],
      ],
      [
        [3, 5],
        [4, 4],
      ],
    ]);
  });
});
