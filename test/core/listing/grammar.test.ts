import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { COLUMNS } from "#core/listing/names.ts";

const root = new URL("../../../", import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), "utf8");

describe("the listing's grammar", () => {
  const grammar = read("syntaxes/kaibo-listing.tmLanguage.json");

  it("knows every keyword and column of a listing", () => {
    for (const word of ["model", "data", "input", "layer", "unit", ...COLUMNS])
      assert.match(grammar, new RegExp(`[(|:]${word}[)|]`), word);
  });

  it("has patterns that compile, and includes that exist", () => {
    const parsed: unknown = JSON.parse(grammar, (key, value: unknown) => {
      if (["match", "begin", "end"].includes(key)) assert.ok(new RegExp(String(value)));
      if (key === "include")
        assert.ok(grammar.includes(`"${String(value).slice(1)}": {`), String(value));
      return value;
    });
    assert.ok(parsed);
  });

  it("takes a layer's path and a quoted class as one word", () => {
    const { wordPattern } = JSON.parse(read("language-configuration.json")) as {
      wordPattern: string;
    };
    const words = 'layer layer1.0.conv1  classes "big cat" # x'.match(new RegExp(wordPattern, "g"));
    assert.deepEqual(words, ["layer", "layer1.0.conv1", "classes", '"big cat"', "x"]);
  });
});
