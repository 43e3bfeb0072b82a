import assert from "node:assert/strict";
import { phases } from "#server/operations/phases.ts";

type Report = readonly [done: number, total: number, left: number | undefined];

describe("the progress of computations that follow each other", () => {
  const run = (options?: { alike: boolean }): Report[] => {
    const told: Report[] = [];
    const control = { progress: (...report: Report) => void told.push(report) };
    for (const each of phases(control, 3, options)) {
      each.progress!(5, 10, 20);
      each.progress!(10, 10, 0);
    }
    return told;
  };

  it("goes once from nothing to all, with the time left where it is known: in the last", () => {
    assert.deepEqual(run(), [
      [5, 30, undefined],
      [10, 30, undefined],
      [15, 30, undefined],
      [20, 30, undefined],
      [25, 30, 20],
      [30, 30, 0],
    ]);
  });

  it("counts those to come where all are alike", () => {
    assert.deepEqual(
      run({ alike: true }).map(([, , left]) => left),
      [100, 80, 60, 40, 20, 0],
    );
  });
});
