import assert from "node:assert/strict";
import { cpSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { ModelView } from "#protocol/views/model.ts";
import { json, kaibo } from "../../support/kaibo.ts";
import { temporaryFolder } from "../../support/temporary.ts";

const SOURCE = join(import.meta.dirname, "../../fixtures/tfjs/cnn");
const FILES = readdirSync(SOURCE).filter((name) => name === "model.json" || name.endsWith(".bin"));

interface Report {
  readonly removed: readonly { layer: string; units: number[] }[];
  readonly bytes: { readonly before: number; readonly after: number };
  readonly maskedDifference: number;
  readonly unreferred?: readonly string[];
}

/** A model whose weights are in files beside it. */
describe("kaibo prune, of a model in several files", function () {
  this.timeout(60_000);
  const folder = temporaryFolder();
  const model = folder.file("model/model.json");
  const at = (name: string) => join(folder.file("model"), name);
  let layer = "";
  before(async () => {
    mkdirSync(folder.file("model"));
    for (const name of FILES) cpSync(join(SOURCE, name), at(name));
    const view = json<ModelView>(await kaibo(["inspect", model, "--json"]));
    layer = view.layers.find((l) => !l.output && l.fixed === undefined)!.name;
  });
  after(() => folder.remove());

  const sizes = (path: string, names: readonly string[]) =>
    names.reduce((n, name) => n + statSync(join(path, name)).size, 0);
  const prune = async (output: string) =>
    json<Report>(await kaibo(["prune", model, "--unit", `${layer}/1`, "-o", output, "--json"]));

  it("writes all of them into another folder, and leaves its own alone", async () => {
    mkdirSync(folder.file("other"));
    const report = await prune(folder.file("other/model.json"));
    assert.deepEqual(report.removed[0], { layer, units: [1] });
    assert.equal(report.unreferred, undefined);
    const written = readdirSync(folder.file("other"));
    assert.deepEqual(report.bytes, {
      before: sizes(folder.file("model"), FILES),
      after: sizes(folder.file("other"), written),
    });
    const view = json<ModelView>(
      await kaibo(["inspect", folder.file("other/model.json"), "--json"]),
    );
    assert.deepEqual(view.problems, []);
    for (const name of FILES)
      assert.deepEqual(readFileSync(at(name)), readFileSync(join(SOURCE, name)));
  });

  it("replaces model.json alone: the weights it had stay, for who takes the prune back", async () => {
    const before = readFileSync(model);
    const { unreferred } = await prune(model);
    assert.notDeepEqual(readFileSync(model), before);
    for (const name of FILES.filter((f) => f !== "model.json"))
      assert.deepEqual(readFileSync(at(name)), readFileSync(join(SOURCE, name)));
    assert.deepEqual(
      unreferred,
      FILES.filter((f) => f !== "model.json").map((name) => at(name)),
    );
    const names = readdirSync(folder.file("model"));
    assert.ok(names.length > FILES.length && names.every((name) => !name.startsWith(".")));
  });
});
