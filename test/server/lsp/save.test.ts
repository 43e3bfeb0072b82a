import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { undoPruneRequest } from "#protocol/requests.ts";
import { inspectModel } from "#server/operations/inspect.ts";
import { TestServer } from "../../support/server.ts";
import { digitsWorkspace, type Workspace } from "../../support/workspace.ts";

describe("saving a listing", function () {
  this.timeout(60_000);
  let workspace: Workspace;
  let server: TestServer;
  let original: Buffer;
  beforeEach(async () => {
    workspace = digitsWorkspace();
    original = readFileSync(workspace.model);
    server = await TestServer.start(workspace);
  });
  afterEach(async () => {
    await server.stop();
    workspace.remove();
  });

  /** Nothing of a failed or finished write is left beside the model. */
  const unharmed = () => {
    assert.deepEqual(readFileSync(workspace.model), original);
    assert.deepEqual(partial(workspace), []);
  };

  it("prunes the units whose lines are gone, and undo brings the bytes back", async () => {
    const { model } = workspace;
    const { text, revision } = await server.openReady(workspace);
    const since = server.now;
    const { pruned, listing } = await server.save(model, without(text, 0, 2, 4), revision);
    assert.deepEqual(pruned?.removed, [{ layer: "conv1", units: [0, 2, 4] }]);
    const { bytes, parameters, accuracy, maskedDifference, undo } = pruned!;
    assert.deepEqual(bytes, { before: original.length, after: statSync(model).size });
    assert.ok(bytes.after < bytes.before && parameters.after < parameters.before);
    assert.equal(accuracy?.before, 0.995);
    assert.ok(maskedDifference! <= 1e-5);
    assert.deepEqual(
      (await inspectModel(model)).layers.map(({ units }) => units),
      [5, 16, 32, 10],
    );
    assert.match(listing.text, /^layer conv1 {2}Conv 5x5 {2}1 -> 5/m);
    assert.notEqual(listing.revision, revision);
    assert.deepEqual(partial(workspace), []);
    assert.deepEqual(readFileSync(join(workspace.storage, "originals", undo)), original);
    await server.status("ready", since);

    await server.request(undoPruneRequest, { model, undo });
    unharmed();
    assert.equal((await server.listing(model)).revision, revision);
    await assert.rejects(server.request(undoPruneRequest, { model, undo }), /nothing was changed/);
  });

  it("is undone by another server, and the original comes back after several prunes", async () => {
    const { model, uri } = workspace;
    const first = await server.openReady(workspace);
    const one = await server.save(model, without(first.text, 0), first.revision);
    const between = readFileSync(model);
    await server.save(model, without(one.listing.text, 1), one.listing.revision);
    await server.stop();

    server = await TestServer.start(workspace);
    await server.request(undoPruneRequest, { model });
    assert.deepEqual(readFileSync(model), between);
    const again = await server.openReady(workspace);
    await server.save(model, without(again.text, 2), again.revision);
    await server.open(uri, (await server.listing(model)).text);
    const [restore] = (await server.actions(uri, 0)).filter((a) => /^Restore/.test(a.title));
    await server.request("workspace/executeCommand", restore!.command);
    unharmed();
    assert.deepEqual(
      (await server.actions(uri, 0)).filter((a) => /^Restore/.test(a.title)),
      [],
    );
  });

  it("takes a text from before the results came", async () => {
    const { model, uri } = workspace;
    const early = await server.listing(model);
    assert.doesNotMatch(early.text, /importance \d/);
    await server.open(uri, early.text);
    await server.status("ready");
    assert.deepEqual(
      (await server.change(uri, without(early.text, 7))).filter(({ severity }) => severity === 1),
      [],
    );
    const { pruned } = await server.save(model, without(early.text, 7), early.revision);
    assert.deepEqual(pruned?.removed, [{ layer: "conv1", units: [7] }]);
  });

  it("takes a text from before kaibo.json changed", async () => {
    const { model } = workspace;
    const { text, revision } = await server.openReady(workspace);
    const since = server.now;
    workspace.config({ classes: "abcdefghij".split("") });
    await server.watched(`file://${workspace.file("kaibo.json")}`);
    await server.listing(model);
    await server.status("ready", since);
    assert.match((await server.listing(model)).text, /classes d f c/);
    const { pruned } = await server.save(model, without(text, 7), revision);
    assert.deepEqual(pruned?.removed, [{ layer: "conv1", units: [7] }]);
  });

  it("writes nothing when no line is gone", async () => {
    const { model } = workspace;
    const { text, revision } = await server.openReady(workspace);
    const { mtimeMs, ino } = statSync(model);
    const { pruned, listing } = await server.save(model, `# a remark\n${text}`, revision);
    assert.equal(pruned, undefined);
    assert.equal(listing.revision, revision);
    assert.deepEqual([statSync(model).mtimeMs, statSync(model).ino], [mtimeMs, ino]);
  });

  it("is refused with the line when something is wrong with the text", async () => {
    const { model } = workspace;
    const { text, revision } = await server.openReady(workspace);
    const lines = text.split("\n");
    const output = lines.findIndex((line) => line.startsWith("layer fc2"));
    const saves: [string, RegExp][] = [
      [text.replace("0.4673", "0.9"), /model\.onnx, line 7: .*importance/],
      [lines.toSpliced(output + 1, 1).join("\n"), /line \d+: .*outputs and cannot be pruned/],
      [without(text, 0, 1, 2, 3, 4, 5, 6, 7), /line 6: .*at least one/],
      ["", /line 1: /],
      ["hello", /line 1: /],
    ];
    for (const [wrong, message] of saves)
      await assert.rejects(server.save(model, wrong, revision), message);
    unharmed();
  });

  it("is refused when the model has changed since", async () => {
    const { model } = workspace;
    const { text, revision } = await server.listing(model);
    const changed = Buffer.concat([original, Buffer.from([0x32, 1, 0x61])]);
    writeFileSync(model, changed);
    await assert.rejects(
      server.save(model, without(text, 0), revision),
      /has changed since this listing was read/,
    );
    assert.deepEqual(readFileSync(model), changed);
  });

  it("twice at once prunes once: the second began from another model", async () => {
    const { model } = workspace;
    const { text, revision } = await server.listing(model);
    const [first, second] = await Promise.allSettled([
      server.save(model, without(text, 0), revision),
      server.save(model, without(text, 1), revision),
    ]);
    assert.equal(first.status, "fulfilled");
    assert.equal(second.status, "rejected");
    assert.deepEqual(
      (await inspectModel(model)).layers.map(({ units }) => units),
      [7, 16, 32, 10],
    );
  });

  it("is not undone when the model has changed since", async () => {
    const { model } = workspace;
    const { text, revision } = await server.listing(model);
    const { pruned } = await server.save(model, without(text, 0), revision);
    const changed = Buffer.concat([readFileSync(model), Buffer.from([0x32, 1, 0x61])]);
    writeFileSync(model, changed);
    const undo = { model, undo: pruned!.undo };
    await assert.rejects(server.request(undoPruneRequest, undo), /left as it is/);
    assert.deepEqual(readFileSync(model), changed);
  });

  it("is not undone from an original that was damaged", async () => {
    const { model } = workspace;
    const { text, revision } = await server.listing(model);
    const { pruned } = await server.save(model, without(text, 0), revision);
    const after = readFileSync(model);
    writeFileSync(join(workspace.storage, "originals", pruned!.undo), "damaged");
    const undo = { model, undo: pruned!.undo };
    await assert.rejects(server.request(undoPruneRequest, undo), /gone or damaged/);
    assert.deepEqual(readFileSync(model), after);
  });

  it("can be done again and again", async () => {
    const { model } = workspace;
    let { text, revision } = await server.listing(model);
    for (const left of [7, 6]) {
      const { listing } = await server.save(model, without(text, 0), revision);
      ({ text, revision } = listing);
      assert.equal((await inspectModel(model)).layers[0]?.units, left);
    }
  });
});

describe("a cancelled save", function () {
  this.timeout(60_000);
  const workspace = digitsWorkspace({ times: 100 });
  after(() => workspace.remove());

  it("leaves the model as it was", async () => {
    const original = readFileSync(workspace.model);
    const server = await TestServer.start(workspace);
    const { text, revision } = await server.listing(workspace.model);
    type Progress = { token: number; value: { kind: string } };
    const first = await server.next<Progress>("$/progress", ({ value }) => value.kind === "begin");
    const saving = server.save(workspace.model, without(text, 0), revision);
    const { token } = await server.next<Progress>(
      "$/progress",
      (p) => p.token !== first.token && p.value.kind === "report",
    );
    await server.notify("window/workDoneProgress/cancel", { token });
    await assert.rejects(saving, /cancelled/);
    assert.deepEqual(readFileSync(workspace.model), original);
    assert.deepEqual(partial(workspace), []);
    await server.stop();
  });
});

/** The text without units of conv1. */
function without(text: string, ...units: readonly number[]): string {
  const lines = text.split("\n");
  const first = lines.findIndex((line) => line.startsWith("layer conv1 ")) + 1;
  return lines.filter((_, i) => !units.includes(i - first)).join("\n");
}

const partial = ({ model }: Workspace): string[] =>
  readdirSync(dirname(model)).filter((name) => name.startsWith("."));
