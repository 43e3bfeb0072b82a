import assert from "node:assert/strict";
import { type DocumentSymbol, type FoldingRange, SymbolKind } from "vscode-languageserver-protocol";
import { TestServer } from "../../support/server.ts";
import { digitsWorkspace, type Workspace } from "../../support/workspace.ts";

describe("the outline of a listing", function () {
  this.timeout(60_000);
  let workspace: Workspace;
  let server: TestServer;
  let lines: readonly string[];
  before(async () => {
    workspace = digitsWorkspace({ kaiboJson: false });
    server = await TestServer.start(workspace);
    const { text } = await server.listing(workspace.model);
    await server.open(workspace.uri, text);
    lines = text.split("\n");
  });
  after(async () => {
    await server.stop();
    workspace.remove();
  });

  const ask = <T>(what: string): Promise<T> =>
    server.request(`textDocument/${what}`, { textDocument: { uri: workspace.uri } });

  it("has the layers, and under each its units", async () => {
    const symbols = await ask<DocumentSymbol[]>("documentSymbol");
    assert.deepEqual(
      symbols.map(({ name, kind, children }) => [name, kind, children?.length]),
      [
        ["conv1", SymbolKind.Module, 8],
        ["conv2", SymbolKind.Module, 16],
        ["fc1", SymbolKind.Module, 32],
        ["fc2", SymbolKind.Module, 10],
      ],
    );
    const [conv1] = symbols;
    assert.equal(lines[conv1!.range.start.line]?.startsWith("layer conv1"), true);
    const { selectionRange, children } = conv1!;
    const { line, character } = selectionRange.start;
    assert.equal(lines[line]!.slice(character, selectionRange.end.character), "conv1");
    const [unit] = children!;
    assert.deepEqual([unit?.name, unit?.kind], ["unit 0", SymbolKind.Field]);
    assert.match(lines[unit!.range.start.line]!, /^ {2}unit 0/);
  });

  it("folds each layer from its heading to its last unit", async () => {
    const folds = await ask<FoldingRange[]>("foldingRange");
    assert.deepEqual(
      folds.map(({ startLine, endLine }) => [lines[startLine]!.slice(0, 11), lines[endLine]]),
      [
        ["layer conv1", "  unit 7"],
        ["layer conv2", "  unit 15"],
        ["layer fc1  ", "  unit 31"],
        ["layer fc2  ", "  unit 9"],
      ],
    );
  });

  it("is empty for a document that is not open", async () => {
    const textDocument = { uri: "kaibo:/nowhere.onnx.nnl" };
    assert.deepEqual(await server.request("textDocument/documentSymbol", { textDocument }), []);
    assert.deepEqual(await server.request("textDocument/foldingRange", { textDocument }), []);
  });
});
