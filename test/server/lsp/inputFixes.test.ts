import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import type { CodeAction } from "vscode-languageserver-protocol";
import { TextDocument } from "vscode-languageserver-textdocument";
import { digitPictures } from "../../support/digitPictures.ts";
import { TestServer } from "../../support/server.ts";
import { digitsWorkspace, fileUri, type Workspace } from "../../support/workspace.ts";

describe("quick fixes of kaibo.json", function () {
  this.timeout(60_000);
  let workspace: Workspace;
  let server: TestServer;
  before(() => {
    workspace = digitsWorkspace();
    digitPictures(workspace.file("small"), 4);
    digitPictures(workspace.file("digits"));
  });
  beforeEach(async () => {
    server = await TestServer.start(workspace);
  });
  afterEach(() => server.stop());
  after(() => workspace.remove());

  /** The actions on the line that names the model, for what is wrong with the data. */
  async function fixes(config: string): Promise<CodeAction[]> {
    writeFileSync(workspace.file("kaibo.json"), config);
    const { text } = await server.listing(workspace.model);
    await server.open(workspace.uri, text);
    const diagnostics = await server.diagnostics(workspace.uri, (all) =>
      all.some(({ code }) => code === "data-mismatch"),
    );
    return server.actions(workspace.uri, 0, { diagnostics });
  }

  /** Applies a fix as the editor does; resolves when the results are there. */
  async function take(action: CodeAction): Promise<string> {
    const path = workspace.file("kaibo.json");
    const uri = fileUri(path);
    const document = TextDocument.create(uri, "json", 0, readFileSync(path, "utf8"));
    const now = TextDocument.applyEdits(document, action.edit!.changes![uri]!);
    writeFileSync(path, now);
    const since = server.now;
    await server.watched(uri);
    await server.listing(workspace.model);
    await server.status("ready", since);
    return now;
  }

  it("give pictures the size of the model's input", async () => {
    const [fix, ...others] = await fixes(
      '{\n  "models": [\n    { "model": "model.onnx", "data": "small", "input": { "scale": 0.00392 } }\n  ]\n}\n',
    );
    assert.equal(fix?.title, 'Set "size" to [28, 28] in kaibo.json');
    assert.deepEqual([fix.kind, fix.isPreferred, others.length], ["quickfix", true, 0]);
    assert.deepEqual(
      fix.diagnostics?.map(({ code }) => code),
      ["data-mismatch"],
    );
    assert.equal(
      await take(fix),
      '{\n  "models": [\n    { "model": "model.onnx", "data": "small", "input": { "scale": 0.00392, "size": [28, 28] } }\n  ]\n}\n',
    );
  });

  it("scale bytes that mean and std are not for", async () => {
    const [fix] = await fixes(
      '{ "models": [{ "model": "other.onnx" }, {\n  "model": "model.onnx",\n  "data": "digits",\n  "input": {\n    "mean": [0.1307],\n    "std": [0.3081]\n  }\n}] }',
    );
    assert.equal(fix?.title, 'Set "scale" to 0.00392156862745098 in kaibo.json');
    assert.match(
      await take(fix),
      /"std": \[0\.3081\],\n {4}"scale": 0\.00392156862745098\n {2}\}\n\}\] \}$/,
    );
  });

  it("are none where nothing can be guessed", async () => {
    assert.deepEqual(
      await fixes(
        '{ "models": [{ "model": "model.onnx", "data": "digits", "input": { "mean": [1, 2] } }] }',
      ),
      [],
    );
  });
});
