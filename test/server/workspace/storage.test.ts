import assert from "node:assert/strict";
import { readdirSync, writeFileSync } from "node:fs";
import { openStorage, resultKey } from "#server/workspace/storage.ts";
import { temporaryFolder } from "../../support/temporary.ts";

describe("the storage", () => {
  const folder = temporaryFolder();
  const storage = openStorage(folder.file("storage"));
  after(() => folder.remove());

  it("gives back what was stored, numbers that JSON does not have too", async () => {
    const value = { a: [1.1, Number.NaN, Number.POSITIVE_INFINITY, -1e-300], b: null, c: "NaN" };
    await storage.storeResult("key", value);
    assert.deepEqual(await storage.result("key"), value);
    assert.equal(await storage.result("other"), undefined);
    assert.deepEqual(readdirSync(folder.file("storage/results")), ["key.json"]);
  });

  it("names results by everything they depend on", () => {
    assert.equal(resultKey({ a: 1 }), resultKey({ a: 1 }));
    assert.notEqual(resultKey({ a: 1 }), resultKey({ a: 2 }));
  });

  it("keeps originals by their content", async () => {
    const file = folder.file("a.onnx");
    writeFileSync(file, "one");
    const one = await storage.keep(file);
    assert.equal(await storage.keep(file), one);
    writeFileSync(file, "two");
    assert.notEqual(await storage.keep(file), one);
    assert.equal(await storage.kept(one), storage.keptPath(one));
    writeFileSync(storage.keptPath(one), "damaged");
    await assert.rejects(storage.kept(one), /gone or damaged/);
  });
});
