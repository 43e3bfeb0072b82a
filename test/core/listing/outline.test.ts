import assert from "node:assert/strict";
import { folds, outline } from "#core/listing/outline.ts";
import { parseListing } from "#core/listing/parse.ts";

const parsed = parseListing(`model "m.onnx"

layer a  Gemm  4 -> 2   # 10 parameters
  unit 0   importance 0.5   # kept
  unit 1   importance 0.1

layer " "  Gemm
# no units`);

describe("the outline of a listing", () => {
  it("has the layers with their summaries, and in them their units with their importance", () => {
    assert.deepEqual(
      outline(parsed).map(({ name, detail, children }) => [
        name,
        detail,
        children.map((c) => `${c.name}: ${c.detail}`),
      ]),
      [
        ["a", "Gemm  4 -> 2", ["unit 0: importance 0.5", "unit 1: importance 0.1"]],
        ['" "', "Gemm", []],
      ],
    );
  });

  it("spans a layer to its last unit and selects names", () => {
    const [a] = outline(parsed);
    assert.deepEqual(a?.span, { from: { line: 2, character: 0 }, to: { line: 4, character: 25 } });
    assert.deepEqual(a?.selection, {
      from: { line: 2, character: 6 },
      to: { line: 2, character: 7 },
    });
    assert.deepEqual(a?.children[0]?.selection, {
      from: { line: 3, character: 2 },
      to: { line: 3, character: 8 },
    });
  });

  it("folds layers that have units", () => {
    assert.deepEqual(folds(parsed), [{ from: 2, to: 4 }]);
  });
});
