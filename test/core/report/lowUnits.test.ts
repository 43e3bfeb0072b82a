import assert from "node:assert/strict";
import { findings } from "#core/report/findings.ts";
import { lowUnits } from "#core/report/lowUnits.ts";
import type { Importance } from "#protocol/views/importance.ts";
import type { CouplingView, ModelView } from "#protocol/views/model.ts";
import { importance, layer, measured, model } from "../../support/listings.ts";

const none: CouplingView = { parallel: [], groups: [], otherwise: [], stuck: [], apart: [] };

describe("the units that little is lost with", () => {
  it("are those found to be low where each can go alone", () => {
    // 0.1 · 1: units 1 and 3 are below.
    assert.deepEqual(low(none, { a: [1, 0.05, 0.2, 0.01], b: [1, 1, 1, 1] }), [1, 3]);
  });

  it("are those whose groups are low as a whole where they go with others", () => {
    const parallel = { ...none, parallel: [["a", "b"]] };
    // Means 0.315 and 1.275: groups (3.17 + 0.78)/2, (0.16 + 3.14)/2, (0.63 + 0.08)/2, (0.03 + 0)/2;
    // only the last is below 0.1 · 1.98, though unit 1 is low in a and unit 2 in b.
    const scores = { a: [1, 0.05, 0.2, 0.01], b: [1, 4, 0.1, 0] };
    assert.deepEqual(low(parallel, scores), [3]);
    assert.deepEqual(low(parallel, scores, "b"), [3]);
  });

  it("are all of a group of which each is low by itself", () => {
    // The largest group is (10 + 1.2)/2, and 0.9 not below a tenth of it, but of 10.
    const parallel = { ...none, parallel: [["a", "b"]] };
    const scores = { a: [10, 0.9, 1.2, 1.2], b: [1.2, 0.9, 10, 1.2] };
    assert.deepEqual(low(parallel, scores), [1]);
  });

  it("are whole groups of a layer, or nothing of them", () => {
    const pairs = {
      ...none,
      groups: [[{ layer: "a", units: [0, 1] }], [{ layer: "a", units: [2, 3] }]],
    };
    assert.deepEqual(low(pairs, { a: [1, 0.01, 0.02, 0.03], b: [1, 1, 1, 1] }), [2, 3]);
  });

  it("leave out units that stay", () => {
    const stuck = { layer: "a", units: [3], because: "its units reach an output", at: "b" };
    const scores = { a: [1, 0.05, 0.2, 0.01], b: [1, 1, 1, 1] };
    assert.deepEqual(low({ ...none, stuck: [stuck] }, scores), [1]);
  });
});

function low(
  coupling: CouplingView,
  scores: Readonly<Record<"a" | "b", readonly number[]>>,
  of = "a",
): readonly number[] {
  const view: ModelView = {
    ...model,
    layers: [layer("a", "Conv", 4), layer("b", "Conv", 4)],
    coupling,
  };
  const known: Importance = {
    ...importance,
    layers: [measured("a", scores.a), measured("b", scores.b)],
  };
  const found = findings(view, known, { lowImportance: 0.1 });
  return lowUnits(view, known, found, of, 0.1);
}
