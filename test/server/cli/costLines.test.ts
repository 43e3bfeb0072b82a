import assert from "node:assert/strict";
import { costLines } from "#server/cli/costLines.ts";

const same = { before: 10, after: 10 };
const measured = { best: { before: 1, after: 1.2 }, runs: 11, threads: 2, engine: "onnxruntime" };
const cost = { removed: [], parameters: same, macs: same, bytes: same };

describe("what a prune costs, in the terminal", () => {
  it("says when the model gets slower, and not for what is noise", () => {
    const slower = { ...measured, before: 1, after: 1.3 };
    assert.match(costLines({ ...cost, latency: slower }), /1\.00 → 1\.30 .*SLOWER than before/);
    const alike = { ...measured, before: 1, after: 1.04 };
    assert.doesNotMatch(costLines({ ...cost, latency: alike }), /SLOWER/);
    const disturbed = { ...slower, best: { before: 1, after: 1.01 } };
    assert.doesNotMatch(costLines({ ...cost, latency: disturbed }), /SLOWER/);
  });

  it("offers widths that run faster", () => {
    const latency = { ...measured, before: 1, after: 1.3 };
    const rounded = { multiple: 8, removed: [], latency: { ...measured, before: 1, after: 0.7 } };
    assert.match(
      costLines({ ...cost, latency, rounded }),
      /--round 8 fewer units go, and it takes 0\.700 ms/,
    );
  });
});
