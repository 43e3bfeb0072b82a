import assert from "node:assert/strict";
import fc from "fast-check";
import { columnsOf } from "#core/listing/columns.ts";
import { parseListing } from "#core/listing/parse.ts";
import { type ListingOptions, writeListing } from "#core/listing/write.ts";
import type { Importance } from "#protocol/views/importance.ts";
import { anyModel } from "../../support/anyModel.ts";
import { golden } from "../../support/golden.ts";
import { importance, layer, measured, model } from "../../support/listings.ts";

const classes = ["zero", "big cat"];

describe("the text of a listing", () => {
  it("shows the model, its data, its layers and their units in aligned columns", () => {
    golden("listing.nnl", writeListing(model, importance, { classes }).text);
  });

  it("says without data that importance is of weights only, and what to write", () => {
    golden("listing-no-data.nnl", writeListing(model).text);
  });

  it("has its comments in the user's language and its own words in every language the same", () => {
    const ja = writeListing(model, importance, { classes, locale: "ja" }).text;
    golden("listing-ja.nnl", ja);
    const facts = (text: string) => text.replace(/\s*#.*/g, "");
    assert.equal(facts(ja), facts(writeListing(model, importance, { classes }).text));
  });

  it("leaves out units that are removed", () => {
    const removed = [{ layer: "conv1", units: [1, 2] }];
    check([0.5, 0.25, 0.1], ["unit 0   importance 0.5000", "unit 2   importance 0.1000"], {
      removed: [{ layer: "fc", units: [1] }],
    });
    const [conv1] = parseListing(writeListing(model, importance, { removed }).text).layers;
    assert.deepEqual(
      conv1?.units.map(({ unit }) => unit),
      [0, 3],
    );
  });

  it("gives four digits to a layer's largest importance, and the same decimals to the others", () => {
    check([12.25, 3.5], ["unit 0   importance 12.25", "unit 1   importance  3.50"]);
    check([12345, 1.4], ["unit 0   importance 12345", "unit 1   importance     1"]);
  });

  it("never shows as 0 what is not 0", () => {
    // 0.0004 needs four decimals where 1.5 alone would have three.
    check(
      [1.5, 0.0004, 0],
      ["unit 0   importance 1.5000", "unit 1   importance 0.0004", "unit 2   importance 0.0000"],
    );
    check([0.5, 2.5e-12], ["unit 0   importance  0.5000", "unit 1   importance <0.0001"]);
  });

  it("names the classes in which a unit's share is twice the average or more, strongest first", () => {
    // Three units, so 2/3 of a class's total. Shares of unit 0: 0.7, 0.9, 0.1; of unit 2: 0, 0, 0.9.
    const contribution = [
      [0.7, 0.3, 0],
      [-0.9, 0.1, 0],
      [0.1, 0, -0.9],
    ];
    const units = [
      "unit 0   importance 1.000   contribution 0.567   classes 1 0   active 1.00",
      "unit 1   importance 1.000   contribution 0.133                 active 1.00",
      "unit 2   importance 1.000   contribution 0.300   classes 2     active 1.00",
    ];
    const known = { ...importance, layers: [measured("fc", [1, 1, 1], { contribution })] };
    assert.deepEqual(unitLines(known, {}), units);
  });

  it("tells where each line's facts stand", () => {
    const { text, lines } = writeListing(model, importance, { classes });
    const parts = text.split("\n");
    assert.equal(parts.length, lines.length);
    const unit1 = lines.findIndex((line) => line.layer === "conv1" && line.unit === 1);
    assert.match(
      parts[unit1]!.slice(lines[unit1]!.from, lines[unit1]!.to),
      /^unit 1 .*active <0\.01$/,
    );
  });

  it("reads back as what was written, whatever the model calls its things", () => {
    fc.assert(
      fc.property(anyModel, ({ model, importance, classes }) => {
        const { text, lines } = writeListing(model, importance, { classes });
        const parsed = parseListing(text);
        assert.deepEqual(parsed.problems, []);
        assert.equal(parsed.model?.name, model.name);
        assert.deepEqual(
          parsed.inputs.map(({ name }) => name),
          model.inputs.map(({ name }) => name),
        );
        assert.deepEqual(
          parsed.layers.map(({ name, units }) => ({ name, units: units.map(({ unit }) => unit) })),
          model.layers.map(({ name, units }) => ({ name, units: [...Array(units).keys()] })),
        );
        const names = new Set(classes);
        for (const { units } of parsed.layers)
          for (const unit of units) {
            const shown = columnsOf(parsed, unit).find(({ name }) => name === "classes");
            for (const name of shown?.values ?? []) assert.ok(names.has(name), name);
          }
        assert.equal(lines.length, parsed.lines.length);
        assert.equal(writeListing(model, importance, { classes }).text, text);
      }),
    );
  }).timeout(20_000);
});

/** The unit lines of a model that has one layer "fc" with these importances. */
function check(
  values: readonly number[],
  expected: readonly string[],
  options: ListingOptions = {},
): void {
  const known = { ...importance, layers: [measured("fc", values)] };
  assert.deepEqual(
    unitLines(known, options).map((line) => line.replace(/ +active.*/, "")),
    expected,
  );
}

function unitLines(known: Importance, options: ListingOptions): readonly string[] {
  const one = { ...model, layers: [layer("fc", "Gemm  8 -> n", known.layers[0]!.units)] };
  const { text, lines } = writeListing(one, known, options);
  return text.split("\n").flatMap((line, i) => {
    return lines[i]!.kind === "unit" ? [line.slice(lines[i]!.from, lines[i]!.to)] : [];
  });
}
