import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { operatorsDoc } from "../support/operatorsDoc.ts";

describe("docs/operators.md", () => {
  it("is what `npm run docs:operators` writes", () => {
    const written = readFileSync("docs/operators.md", "utf8").split("\n");
    const wanted = operatorsDoc().split("\n");
    const at = wanted.findIndex((line, i) => line !== written[i]);
    const shown = `line ${at + 1}: run npm run docs:operators`;
    assert.equal(written[at], wanted[at], shown);
    assert.equal(written.length, wanted.length, shown);
  });
});
