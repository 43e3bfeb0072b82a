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
    const { originals } = storage;
    const one = await originals.keep(file);
    assert.equal(await originals.keep(file), one);
    writeFileSync(file, "two");
    assert.notEqual(await originals.keep(file), one);
    assert.equal(await originals.kept(one), originals.path(one));
    writeFileSync(originals.path(one), "damaged");
    await assert.rejects(originals.kept(one), /gone or damaged/);
  });

  it("lets originals go when their model was in no open folder for a month", async () => {
    const { originals } = storage;
    const keep = async (name: string) => {
      const model = folder.file(name);
      writeFileSync(model, name);
      const original = await originals.keep(model);
      await originals.replaced(model, { original, became: "", time: Date.now() });
      return { model, original };
    };
    const open = await keep("open.onnx");
    const closed = await keep("closed.onnx");
    const day = 24 * 3600 * 1000;
    await originals.tidy([], Date.now() + 29 * day);
    assert.equal((await originals.changes(closed.model)).length, 1);
    await originals.tidy([open.model], Date.now() + 31 * day);
    assert.deepEqual(await originals.changes(closed.model), []);
    await assert.rejects(originals.kept(closed.original), /gone or damaged/);
    assert.equal((await originals.changes(open.model))[0]?.original, open.original);
    assert.equal(await originals.kept(open.original), originals.path(open.original));
  });
});
