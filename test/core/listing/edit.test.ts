import assert from "node:assert/strict";
import fc from "fast-check";
import { checkAgainst, checkEdit } from "#core/listing/check.ts";
import { removedUnits } from "#core/listing/diff.ts";
import { parseListing } from "#core/listing/parse.ts";
import { writeListing } from "#core/listing/write.ts";
import type { ModelView } from "#protocol/views/model.ts";
import { anyModel } from "../../support/anyModel.ts";
import { fixture } from "../../support/fixture.ts";
import { importance, layer, model } from "../../support/listings.ts";

const small: ModelView = {
  ...model,
  name: "m.onnx",
  inputs: [],
  layers: [
    layer("a", "Gemm  4 -> 3", 3),
    layer("b", "Gemm  3 -> 2", 2),
    layer("y", "Gemm  2 -> 2", 2, { output: true }),
  ],
};
const listed = writeListing(small);

describe("an edited listing", () => {
  it("prunes the units whose lines are gone", () => {
    check(
      `
model "m.onnx"
layer a  Gemm  4 -> 3
  unit 1
layer b  Gemm  3 -> 2
  unit 0
layer y  Gemm  2 -> 2
  unit 0
  unit 1`,
      [
        { layer: "a", units: [0, 2] },
        { layer: "b", units: [1] },
      ],
    );
  });

  it("may have other comments, blank lines, order and spaces", () => {
    check(`
# mine

model    "m.onnx"
layer a  Gemm 4 -> 3   # the first
    unit 2

  unit 0 # keep
  unit 1
layer b  Gemm  3 -> 2
\tunit 1\r
  unit 0
layer y  Gemm  2 -> 2
  unit 0
  unit 1`);
  });

  it("cannot change headings, add lines of its own or lose one", () => {
    check(`
model "other.onnx"
#     ^^^^^^^^^^^^ changed-text
data "x.csv"
# < changed-text
layer a  Gemm  4 -> 7
#                   ^ changed-text
  unit 0
  unit 1
  unit 2
hello
# < unreadable-line
layer b  Gemm  3 -> 2
  unit 0
  unit one
# ^^^^^^^^ unreadable-line
  unit 1 strong
#        ^^^^^^ unreadable-line
layer y  Gemm  2 -> 2
  unit 0
  unit 1`);
    check(`
layer a  Gemm  4 -> 3
# < changed-text
  unit 0
  unit 1
  unit 2
layer b  Gemm  3 -> 2
  unit 0
  unit 1
layer y  Gemm  2 -> 2
  unit 0
  unit 1`);
  });

  it("has each unit once, and none that the model does not have", () => {
    check(`
model "m.onnx"
layer a  Gemm  4 -> 3
  unit 0
  unit 1
  unit 1 # again
# ^^^^^^ duplicate-unit
  unit 2
  unit 7
# ^^^^^^ unknown-unit
layer b  Gemm  3 -> 2
  unit 0
  unit 1
layer y  Gemm  2 -> 2
  unit 0
  unit 1
layer z  Gemm
#     ^ unknown-layer
  unit 0`);
  });

  it("keeps one unit of each layer and all outputs of the model", () => {
    check(
      `
model "m.onnx"
layer a  Gemm  4 -> 3
#     ^ emptied-layer
layer b  Gemm  3 -> 2
  unit 0
  unit 1
layer y  Gemm  2 -> 2
#     ^ output-layer
  unit 1`,
      [
        { layer: "a", units: [0, 1, 2] },
        { layer: "y", units: [0] },
      ],
    );
  });

  it("says once, where the heading stood, that units have lost it", () => {
    const removed = [{ layer: "b", units: [0, 1] }];
    check(
      `
model "m.onnx"
layer a  Gemm  4 -> 3
  unit 0
  unit 1
  unit 2
  unit 0
# ^^^^^^ missing-heading
  unit 1
layer y  Gemm  2 -> 2
  unit 0
  unit 1`,
      removed,
    );
    check(
      `
model "m.onnx"
layer a  Gemm  4 -> 3
# < missing-heading
  unit 0
  unit 1
  unit 2
layer y  Gemm  2 -> 2
  unit 0
  unit 1`,
      removed,
    );
  });

  it("marks the number that was changed and gives back the line to restore", () => {
    const document = writeListing(model, importance);
    const line = document.text.split("\n").findIndex((text) => text.includes("unit 0"));
    const restore = document.text.split("\n")[line];
    const [problem, ...others] = checkAgainst(document, document.text.replace("0.03120", "0.9"));
    assert.deepEqual(others, []);
    assert.deepEqual(problem, {
      line,
      from: 22,
      to: 25,
      code: "changed-text",
      restore,
      message:
        "numbers are a view: importance was computed (0.03120) and cannot be edited; undo, or delete the whole line to prune the unit",
    });
  });

  it("says in Japanese what is wrong to who reads Japanese", () => {
    const { problems } = checkEdit(small, listed, listed.text.replace("unit 2", "unit 9"), "ja-JP");
    assert.equal(problems[0]?.message, "a にユニット 9 はありません。ユニットは 0 から 2 までです");
  });

  it("says why the units of a fixed layer must stay", () => {
    const fixed = {
      ...small,
      layers: [layer("a", "Conv", 3, { fixed: "its output is added to x" })],
    };
    const document = writeListing(fixed);
    const { problems } = checkEdit(fixed, document, document.text.replace("  unit 1\n", ""));
    assert.deepEqual(
      problems.map(({ code, message }) => [code, message]),
      [
        [
          "fixed-layer",
          "the units of a cannot be pruned: its output is added to x; put back: unit 1",
        ],
      ],
    );
  });

  it("is understood after any removal, and unchanged text has no problems", () => {
    const removal = fc.tuple(anyModel, fc.infiniteStream(fc.boolean()));
    fc.assert(
      fc.property(removal, ([{ model, importance, classes }, coin]) => {
        const removed = model.layers.flatMap(({ name, units }) => {
          const gone = [...Array(units).keys()].filter(() => coin.next().value);
          return gone.length === 0 ? [] : [{ layer: name, units: gone }];
        });
        const original = writeListing(model, importance, { classes });
        const edited = writeListing(model, importance, { classes, removed }).text;
        assert.deepEqual(removedUnits(model, parseListing(edited)), removed);
        assert.deepEqual(checkAgainst(original, edited), []);
        assert.deepEqual(checkEdit(model, original, original.text).problems, []);
      }),
    );
  }).timeout(20_000);

  it("is read without a crash whatever it is, and every problem lies in the text", () => {
    const word = fc.constantFrom(
      "model",
      "data",
      "input",
      "layer",
      "unit",
      "a",
      "0",
      '"',
      "#",
      "\n",
      " ",
      "\\",
      "\r",
    );
    const text = fc.oneof(
      fc.string({ unit: "binary", maxLength: 200 }),
      fc.array(word).map((w) => w.join(" ")),
    );
    fc.assert(
      fc.property(text, (text) => {
        const { problems, parsed } = checkEdit(small, listed, text);
        for (const { line, from, to } of problems) {
          assert.ok(line >= 0 && line < parsed.lines.length);
          assert.ok(from >= 0 && from <= to && to <= parsed.lines[line]!.length);
        }
      }),
      { numRuns: 500 },
    );
  }).timeout(20_000);

  it("takes a line of a million characters", () => {
    const long = `layer "${"\\".repeat(500_000)}${"x".repeat(500_000)}`;
    assert.equal(parseListing(long).layers.length, 1);
  }).timeout(20_000);
});

/** The problems of the text are those that are marked; what it removes is `removed`. */
function check(
  annotated: string,
  removed: readonly { layer: string; units: readonly number[] }[] = [],
): void {
  const { text, expected } = fixture(annotated);
  const edit = checkEdit(small, listed, text);
  const marked = edit.problems.map(({ line, from, to, code }) => ({ line, from, to, label: code }));
  assert.deepEqual(marked, expected);
  assert.deepEqual(edit.removed, removed);
}
