/** Edits that make no sense, and a model file that breaks: nothing is lost and the server lives on. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import * as vscode from "vscode";
import {
  findings,
  lineOf,
  listingUri,
  model,
  modelBytes,
  openListing,
  original,
  startAfresh,
  unitLine,
  withImportance,
} from "../digits.ts";
import { notices, showNotices } from "../surfaces.ts";
import { needsPage, until } from "../workbench.ts";

describe("a listing refuses", function () {
  this.timeout(120_000);
  let document: vscode.TextDocument;
  beforeEach(async () => {
    await startAfresh();
    ({ document } = await openListing());
  });
  after(startAfresh);

  it("a number that was edited", async function () {
    const line = lineOf(document, 4);
    const from = unitLine(document, 4).indexOf("0.");
    await replace(new vscode.Range(line, from, line, from + 4), "0.99");
    const { range } = await error(/numbers are a view: importance was computed/);
    assert.equal(range.start.line, line);
    await saveFails.call(this, /numbers are a view/);
  });

  it("to empty a layer", async function () {
    await replace(new vscode.Range(lineOf(document, 0), 0, lineOf(document, 31) + 1, 0), "");
    await error(/conv1 cannot lose all of its 32 units/);
    await saveFails.call(this, /conv1 cannot lose all of its 32 units/);
  });

  async function replace(range: vscode.Range, text: string): Promise<void> {
    const edit = new vscode.WorkspaceEdit();
    edit.replace(listingUri, range, text);
    assert.ok(await vscode.workspace.applyEdit(edit));
  }

  async function saveFails(this: Mocha.Context, message: RegExp): Promise<void> {
    assert.equal(await document.save(), false);
    assert.ok(document.isDirty);
    assert.ok(modelBytes().equals(original));
    needsPage(this);
    await showNotices();
    await until("the editor says why", async () =>
      (await notices()).some((it) => message.test(it)),
    );
  }
});

describe("a model file that breaks on disk", function () {
  this.timeout(120_000);
  before(startAfresh);
  after(startAfresh);

  it("is said to be broken, with the place, and is listed again when it is whole", async () => {
    const { document } = await openListing();
    writeFileSync(model, original.subarray(0, 100_000));
    await until("the listing has no layers", () => !/^layer/m.test(document.getText()));
    const [first = "", ...remarks] = document.getText().split("\n");
    assert.match(first, /model "model\.onnx"/);
    assert.match(remarks.join("\n"), /^# .*\bbyte \d/m);
    assert.equal(readFileSync(model).length, 100_000);

    writeFileSync(model, original);
    await until("the layers are back", () => /^layer conv1/m.test(document.getText()));
    await withImportance();
    const hovers = await vscode.commands.executeCommand<vscode.Hover[]>(
      "vscode.executeHoverProvider",
      listingUri,
      new vscode.Position(lineOf(document, 0), 4),
    );
    const words = hovers.flatMap(({ contents }) =>
      contents.map((it) => (it as vscode.MarkdownString).value),
    );
    assert.match(words.join(), /conv1 \/ unit 0/);
  });
});

async function error(message: RegExp): Promise<vscode.Diagnostic> {
  return until(`an error ${message}`, () =>
    findings().find(
      (it) => it.severity === vscode.DiagnosticSeverity.Error && message.test(it.message),
    ),
  );
}
