import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bundle } from "../../support/bundles.ts";
import { ended } from "../../support/processes.ts";
import { TestServer } from "../../support/server.ts";
import { digitsWorkspace, fileUri, type Workspace } from "../../support/workspace.ts";

describe("a listing that is a real file, over kaibo serve --stdio", function () {
  this.timeout(60_000);
  let workspace: Workspace;
  let server: TestServer;
  let path: string;
  let uri: string;
  beforeEach(async () => {
    workspace = digitsWorkspace();
    path = `${workspace.model}.nnl`;
    uri = fileUri(path);
    server = await TestServer.start({ ...workspace, transport: "stdio" });
  });
  afterEach(async () => {
    await server.stop();
    workspace.remove();
  });

  /** Saves a text as an editor does. */
  async function save(text: string): Promise<void> {
    writeFileSync(path, text);
    await server.change(uri, text);
    await server.notify("textDocument/didSave", { textDocument: { uri } });
  }
  const message = (since = 0) =>
    server.next<{ type: number; message: string }>("window/showMessage", () => true, since);

  it("has diagnostics, hovers and actions by the name in its heading", async () => {
    const { text } = await server.openReady({ model: workspace.model, uri });
    const published = await server.change(uri, text);
    assert.equal(published.filter(({ code }) => code === "dead-unit").length, 13);
    const line = text.split("\n").findIndex((l) => l.startsWith("  unit 4"));
    assert.match(JSON.stringify(await server.hover(uri, line)), /conv1 \/ unit 4/);
    const [action] = await server.actions(uri, line);
    assert.equal(action?.title, "Prune unit 4 of conv1");
    assert.equal((await server.resolve(action!, uri))[0]?.range.start.line, line);
  });

  it("may have been written without data", async () => {
    rmSync(workspace.file("kaibo.json"));
    const { text } = await server.listing(workspace.model);
    workspace.config({});
    await server.watched(fileUri(workspace.file("kaibo.json")));
    await server.listing(workspace.model);
    await server.status("ready");
    const published = await server.open(uri, text);
    assert.deepEqual(
      published.filter(({ severity }) => severity === 1),
      [],
    );
  });

  it("prunes the model when it is saved, and gets the new text", async () => {
    const original = readFileSync(workspace.model);
    const { text } = await server.openReady({ model: workspace.model, uri });
    await save(text.replace(/^ {2}unit 4 .*\n/m, ""));
    const { type, message: said } = await message();
    assert.equal(type, 3);
    assert.match(said, /^Pruned conv1 4: accuracy 0\.9950 → [\d.]+, 59,575 → [\d,]+ bytes; /);
    const kept = /kept as (.*)$/.exec(said)![1]!;
    assert.deepEqual(readFileSync(kept), original);
    assert.equal(join(kept, ".."), join(workspace.storage, "originals"));
    assert.ok(statSync(workspace.model).size < original.length);

    await server.next("workspace/applyEdit");
    const [edit] = server.edits[0]![uri]!;
    assert.deepEqual(edit!.range.start, { line: 0, character: 0 });
    assert.match(edit!.newText, /^layer conv1 {2}Conv 5x5 {2}1 -> 7/m);
    const { size } = statSync(workspace.model);
    await server.status(
      "ready",
      server.said.findIndex(({ method }) => /applyEdit/.test(method)),
    );
    const since = server.now;
    await save(edit!.newText);
    const { text: now } = await server.listing(workspace.model);
    await save(now);
    assert.equal(statSync(workspace.model).size, size, "saving the new text prunes nothing");
    assert.ok(!server.said.slice(since).some(({ method }) => method === "window/showMessage"));
  });

  it("says why it does not prune", async () => {
    const original = readFileSync(workspace.model);
    const { text } = await server.openReady({ model: workspace.model, uri });
    await save(text.replace(/^(layer fc2 .*\n) {2}unit 0 .*\n/m, "$1"));
    const { type, message: said } = await message();
    assert.equal(type, 1);
    assert.match(said, /^Not pruned: model\.onnx, line \d+: .*outputs and cannot be pruned/);
    assert.deepEqual(readFileSync(workspace.model), original);
    assert.deepEqual(server.edits, []);
  });

  it("is of the model beside it and of no other", async () => {
    const { text } = await server.listing(workspace.model);
    const elsewhere = fileUri(workspace.file("sub/model.onnx.nnl"));
    const stolen = text.replace('model "model.onnx"', 'model "../model.onnx"');
    assert.deepEqual(await server.open(elsewhere, stolen), []);
    const absolute = text.replace('model "model.onnx"', `model "${workspace.model}"`);
    assert.deepEqual(await server.change(elsewhere, absolute), []);
    assert.equal(await server.hover(elsewhere, 6), null);
  });

  it("kaibo.json that is saved in the editor is read again", async () => {
    await server.openReady({ model: workspace.model, uri });
    const config = workspace.file("kaibo.json");
    await server.notify("textDocument/didOpen", {
      textDocument: { uri: fileUri(config), languageId: "json", version: 1, text: "{}" },
    });
    workspace.config({ lowImportance: 0.9 });
    const since = server.now;
    await server.notify("textDocument/didSave", { textDocument: { uri: fileUri(config) } });
    await server.diagnostics(uri, (all) => all.some((d) => d.code === "low-importance"), since);
  });
});

describe("the end of a server", function () {
  this.timeout(60_000);
  const workspace = digitsWorkspace({ times: 100 });
  after(() => workspace.remove());

  /** A server in the middle of a computation, and its compute processes. */
  async function busy(transport: "ipc" | "stdio") {
    const server = await TestServer.start({ ...workspace, transport });
    await server.listing(workspace.model);
    await server.next<{ value: { kind: string } }>(
      "$/progress",
      ({ value }) => value.kind === "report",
    );
    const children = server.children();
    assert.ok(children.length > 0);
    return { server, children };
  }

  for (const transport of ["ipc", "stdio"] as const)
    it(`by shutdown and exit is clean over ${transport}, and nothing is left`, async () => {
      const { server, children } = await busy(transport);
      assert.equal(await server.stop(), 0);
      await ended(children);
    });

  it("by exit without shutdown leaves nothing either", async () => {
    const { server, children } = await busy("stdio");
    await server.notify("exit", undefined);
    assert.equal(await server.exit, 1);
    await ended(children);
  });

  it("comes with the end of its input", async () => {
    const { server, children } = await busy("stdio");
    server.process.stdin!.end();
    await server.exit;
    await ended(children);
  });

  it("comes with the end of the editor's channel", async () => {
    const { server, children } = await busy("ipc");
    server.process.disconnect();
    await server.exit;
    await ended(children);
  });

  it("by a kill takes the compute processes with it", async () => {
    const { server, children } = await busy("stdio");
    server.process.kill("SIGKILL");
    await server.exit;
    await ended(children);
  });
});

describe("kaibo serve --stdio", function () {
  this.timeout(60_000);

  it("prints the protocol and nothing else", async () => {
    const workspace = digitsWorkspace();
    const child = spawn(process.execPath, [bundle("cli"), "serve", "--stdio"]);
    const chunks: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
    const closed = new Promise((resolve) => child.once("close", resolve));
    const until = (text: string) =>
      new Promise<void>((resolve) => {
        const look = () => {
          if (Buffer.concat(chunks).includes(text)) resolve();
          else child.stdout.once("data", look);
        };
        look();
      });
    const send = (message: Readonly<Record<string, unknown>>) => {
      const json = JSON.stringify({ jsonrpc: "2.0", ...message });
      child.stdin.write(`Content-Length: ${Buffer.byteLength(json)}\r\n\r\n${json}`);
    };
    const initializationOptions = { storage: workspace.storage };
    const params = { processId: null, rootUri: null, capabilities: {}, initializationOptions };
    send({ id: 1, method: "initialize", params });
    await until('"id":1');
    send({ method: "initialized", params: {} });
    send({ id: 2, method: "kaibo/listing", params: { model: workspace.model } });
    await until('"ready"');
    send({ id: 3, method: "shutdown" });
    await until('"id":3');
    send({ method: "exit" });
    await closed;
    let rest = Buffer.concat(chunks);
    let messages = 0;
    while (rest.length > 0) {
      const header = /^Content-Length: (\d+)\r\n\r\n/.exec(rest.toString("latin1"));
      assert.ok(header !== null, rest.toString("utf8").slice(0, 200));
      const end = header[0].length + Number(header[1]);
      JSON.parse(rest.subarray(header[0].length, end).toString("utf8"));
      rest = rest.subarray(end);
      messages++;
    }
    assert.ok(messages >= 5);
    workspace.remove();
  });
});
