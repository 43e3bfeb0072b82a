import assert from "node:assert/strict";
import {
  copyFileSync,
  mkdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { type Diagnostic, DiagnosticSeverity } from "vscode-languageserver-protocol";
import { normal } from "../../support/build.ts";
import { npz } from "../../support/npz.ts";
import { FC1, partialModel } from "../../support/partialModel.ts";
import { pytorchFile } from "../../support/pytorch.ts";
import { TestServer } from "../../support/server.ts";
import { digitsWorkspace, fileUri, type Workspace } from "../../support/workspace.ts";

describe("what is wrong with the user's files", function () {
  this.timeout(60_000);
  let workspace: Workspace;
  let server: TestServer;
  beforeEach(async () => {
    workspace = digitsWorkspace();
    server = await TestServer.start(workspace);
  });
  afterEach(async () => {
    // The server is alive whatever the file was.
    const other = digitsWorkspace({ kaiboJson: false });
    assert.match((await server.listing(other.model)).text, /^layer conv1/m);
    assert.equal(await server.stop(), 0);
    other.remove();
    workspace.remove();
  });

  const opened = async (): Promise<Diagnostic[]> => {
    const { text } = await server.listing(workspace.model);
    return server.open(workspace.uri, text);
  };

  it("a model without kaibo.json is listed without numbers", async () => {
    rmSync(workspace.file("kaibo.json"));
    assert.deepEqual(await opened(), []);
    assert.equal((await server.status("no-data")).model, workspace.model);
    const { text } = await server.listing(workspace.model);
    assert.match(text, /# no data: weights only/);
    assert.doesNotMatch(text, /importance \d/);
  });

  it("a broken kaibo.json is named with the place, and the model is listed", async () => {
    writeFileSync(workspace.file("kaibo.json"), '{\n  "models": [ // mine\n  ] }');
    const [wrong] = await opened();
    const { detail } = await server.status("failed");
    assert.match(detail, /kaibo\.json, line 2, column 15: .*comments are not allowed/);
    assert.equal(wrong?.message, detail);
    assert.equal(wrong?.code, "bad-request");
    assert.deepEqual(wrong?.range.start, { line: 0, character: 0 });
    const { text } = await server.listing(workspace.model);
    assert.match(text, /^# .*kaibo\.json, line 2/m);
    assert.match(text, /^layer conv1/m);
  });

  it("a kaibo.json that is put right is read again", async () => {
    writeFileSync(workspace.file("kaibo.json"), "{");
    await opened();
    const since = server.now;
    workspace.config({});
    await server.watched(fileUri(workspace.file("kaibo.json")));
    await server.status("ready", since);
    await server.next("kaibo/listingChanged", undefined, since);
    assert.match((await server.listing(workspace.model)).text, /importance \d/);
    await server.diagnostics(
      workspace.uri,
      (all) => all.length > 0 && all.every(({ code }) => code !== "bad-request"),
      since,
    );
  });

  it("data that is not there is named", async () => {
    workspace.config({ data: "nowhere.npz" });
    await opened();
    const { detail } = await server.status("failed");
    assert.match(detail, /nowhere\.npz: there is no such file/);
    const [wrong] = await server.diagnostics(workspace.uri, (all) => all.length > 0);
    assert.equal(wrong?.message, detail);
    assert.equal(wrong?.code, "unreadable-data");
    assert.match((await server.listing(workspace.model)).text, /^layer conv1/m);
  });

  it("data that does not fit is named", async () => {
    copyFileSync(pytorchFile("sigmoid-mlp.npz"), workspace.file("other.npz"));
    workspace.config({ data: "other.npz" });
    await opened();
    const { detail } = await server.status("failed");
    assert.match(detail, /other\.npz: /);
    const [wrong] = await server.diagnostics(workspace.uri, (all) => all.length > 0);
    assert.equal(wrong?.code, "data-mismatch");
  });

  it("a model that is gone is said to be gone", async () => {
    await opened();
    const since = server.now;
    rmSync(workspace.model);
    await server.watched(fileUri(workspace.model));
    const [wrong] = await server.diagnostics(workspace.uri, (all) => all.length > 0, since);
    assert.match(String(wrong?.message), /model\.onnx: there is no such file/);
    await assert.rejects(server.listing(workspace.model), /model\.onnx: there is no such file/);
    assert.match((await server.status("failed", since)).detail, /there is no such file/);
    assert.equal(await server.hover(workspace.uri, 6), null);
    assert.deepEqual(await server.actions(workspace.uri, 6), []);
    await assert.rejects(server.save(workspace.model, "", ""), /there is no such file/);
  });

  it("a model that is back is listed again", async () => {
    rmSync(workspace.model);
    await assert.rejects(server.listing(workspace.model));
    copyFileSync(pytorchFile("mnist-cnn.onnx"), workspace.model);
    await opened();
    await server.status("ready");
  });

  it("a folder in a model's place is no model", async () => {
    rmSync(workspace.model);
    mkdirSync(workspace.model);
    await assert.rejects(server.listing(workspace.model), /model\.onnx: it is a folder/);
    rmSync(workspace.model, { recursive: true });
  });

  for (const [what, damage] of [
    ["truncated", (path: string) => truncateSync(path, 30_000)],
    ["empty", (path: string) => truncateSync(path, 0)],
    ["garbage", (path: string) => writeFileSync(path, Buffer.alloc(5000, "garbage "))],
  ] as const)
    it(`a model that is ${what} is listed with what is wrong`, async () => {
      await opened();
      await server.status("ready");
      const since = server.now;
      damage(workspace.model);
      await server.watched(fileUri(workspace.model));
      const { detail } = await server.status("failed", since);
      assert.match(detail, /model\.onnx/);
      const { text, revision } = await server.listing(workspace.model);
      assert.match(text, /^# .*model\.onnx/m);
      const before = readFileSync(workspace.model);
      await server.save(workspace.model, text, revision);
      assert.deepEqual(readFileSync(workspace.model), before);
    });

  it("an operator that nobody knows is named, and the rest is listed", async () => {
    writeFileSync(workspace.model, partialModel());
    const shape = [20, FC1.length];
    const values = Array.from(normal(shape, 5).data, Math.abs);
    writeFileSync(workspace.file("x.npz"), npz({ x: { shape, values } }));
    workspace.config({ data: "x.npz", input: {} });
    const { text } = await server.openReady(workspace);
    const lines = text.split("\n");
    assert.match(text, /^# .*Frobnicate/m);
    const fc1 = lines.findIndex((line) => /^layer fc1 {2}MatMul {2}3 -> 4 {2}Relu/.test(line));
    assert.match(lines[fc1]!, /# 12 parameters; cannot be pruned: .* read as a whole/);
    assert.match(lines[fc1 + 3]!, /^ {2}unit 2 {3}active 0\.00 {3}# never active$/);

    const found = await server.change(workspace.uri, text);
    const shown = found.map(({ code, severity, range }) => [
      code,
      severity,
      range.start.line - fc1,
    ]);
    const { Warning } = DiagnosticSeverity;
    assert.deepEqual(shown, [
      ["unsupported-operator", Warning, 0],
      ["dead-unit", Warning, 3],
    ]);
    assert.match(String(found[0]!.message), /Frobnicate/);

    const { contents } = (await server.hover(workspace.uri, fc1 + 1))!;
    const said = (contents as { value: string }).value;
    assert.match(said, /std\(a\) \*\*[\d.]+\*\*, rank \d of 4/);
    assert.match(said, /no importance: .*Frobnicate/);
  });
});
