import assert from "node:assert/strict";
import { checkEdit } from "#core/listing/check.ts";
import { modulesOf } from "#core/listing/modules.ts";
import { folds, type OutlineSymbol, outline } from "#core/listing/outline.ts";
import { parseListing } from "#core/listing/parse.ts";
import { writeListing } from "#core/listing/write.ts";
import { layer, model } from "../../support/listings.ts";

const NAMES = ["conv1", "layer1.0.conv1", "layer1.0.conv2", "layer1.1.conv1", "layer2.0.a", "fc"];

const residual = {
  ...model,
  layers: NAMES.map((name, i) => layer(name, "Conv 3x3  2 -> 2", 2, { parameters: 10 * i })),
};

const tree = (symbols: readonly OutlineSymbol[]): unknown =>
  symbols.map((s) =>
    s.kind === "module" ? { [s.name]: tree(s.children) } : `${s.name} (${s.children.length})`,
  );

describe("modules", () => {
  it("are the common paths of neighbouring layers", () => {
    assert.deepEqual(modulesOf(NAMES), [
      { path: "layer1", first: 1, count: 3 },
      { path: "layer1.0", first: 1, count: 2 },
    ]);
  });

  it("are named once where a path has one child only, by the inner path", () => {
    assert.deepEqual(modulesOf(["m.body.a", "m.body.b", "head"]), [
      { path: "m.body", first: 0, count: 2 },
    ]);
  });

  it("do not join paths that only begin alike", () => {
    assert.deepEqual(modulesOf(["conv1.a", "conv10.a"]), []);
    assert.deepEqual(modulesOf(["block/a", "block/b"]), [{ path: "block", first: 0, count: 2 }]);
  });

  it("head their layers in the listing, in the outline and when folded", () => {
    const { text } = writeListing(residual);
    const parsed = parseListing(text);
    assert.deepEqual(parsed.problems, []);
    assert.match(
      text,
      /\nmodule layer1 {3}# 3 layers; 60 parameters\nmodule layer1\.0 {3}# 2 layers/,
    );
    assert.deepEqual(tree(outline(parsed)), [
      "conv1 (2)",
      {
        layer1: [
          { "layer1.0": ["layer1.0.conv1 (2)", "layer1.0.conv2 (2)"] },
          "layer1.1.conv1 (2)",
        ],
      },
      "layer2.0.a (2)",
      "fc (2)",
    ]);
    const [first] = parsed.modules;
    const last = parsed.layers.find((l) => l.name === "layer1.1.conv1")!.lastLine;
    assert.ok(folds(parsed).some((f) => f.from === first!.line && f.to === last));
  });

  it("are a view: a heading that is gone is told, a unit line may go", () => {
    const original = writeListing(residual);
    const lines = original.text.split("\n");
    const without = lines.filter((l) => !l.startsWith("module layer1 ")).join("\n");
    const [problem] = checkEdit(residual, original, without).problems;
    assert.match(problem?.message ?? "", /put it back: module layer1/);
    const at = lines.findIndex((l) => l.startsWith("layer layer1.0.conv1"));
    const edit = checkEdit(residual, original, lines.toSpliced(at + 1, 1).join("\n"));
    assert.deepEqual(edit.problems, []);
    assert.deepEqual(edit.removed, [{ layer: "layer1.0.conv1", units: [0] }]);
  });
});
