/** A residual model: deleting one unit's line asks for those of the layers that it is added to. */
import assert from "node:assert/strict";
import { copyFileSync, readFileSync } from "node:fs";
import path from "node:path";
import * as vscode from "vscode";
import { model as sample, startAfresh } from "../digits.ts";
import { quickFixes, showNotices } from "../surfaces.ts";
import { needsPage, press, until } from "../workbench.ts";

const root = path.dirname(process.env.KAIBO_EDITOR_RESULTS ?? "");
const fixture = path.join(root, "test/fixtures/pytorchModels/residual.script.onnx");
const model = path.join(path.dirname(sample), "residual.onnx");
const uri = vscode.Uri.file(`${model}.nnl`).with({ scheme: "kaibo" });

const isUnit = (line: string, unit: number) => new RegExp(`^ {2}unit ${unit}\\b`).test(line);

describe("a listing with coupled units", function () {
  this.timeout(120_000);
  let document: vscode.TextDocument;
  before(async () => {
    await startAfresh();
    await confirms("never");
    copyFileSync(fixture, model);
    await vscode.commands.executeCommand("kaibo.openListing", vscode.Uri.file(model));
    const editor = await until("the listing is on show", () => {
      const active = vscode.window.activeTextEditor;
      return active?.document.uri.toString() === uri.toString() && active;
    });
    ({ document } = editor);
    await until("its weights are measured", () =>
      /^ {2}unit 1 +importance/m.test(document.getText()),
    );
  });
  after(async () => {
    if (document.isDirty) await vscode.commands.executeCommand("workbench.action.files.revert");
    await confirms(undefined);
    await startAfresh();
  });

  const errors = () =>
    vscode.languages.getDiagnostics(uri).filter(({ code }) => code === "coupled-unit");

  const lineOf = (layer: string, unit: number): number => {
    const lines = document.getText().split("\n");
    const heading = lines.findIndex((l) => l.startsWith(`layer ${layer} `));
    return lines.findIndex((l, i) => i > heading && isUnit(l, unit));
  };

  it("marks the lines that must go too, deletes them by the quick fix, and saves", async function () {
    needsPage(this);
    assert.match(
      document.getText(),
      /^layer conv1 .*units go together with layer1\.0\.conv2, layer1\.1\.conv2$/m,
    );
    const edit = new vscode.WorkspaceEdit();
    const line = lineOf("conv1", 1);
    edit.delete(uri, new vscode.Range(line, 0, line + 1, 0));
    assert.ok(await vscode.workspace.applyEdit(edit));
    const found = await until("two errors", () => errors().length === 2 && errors());
    assert.deepEqual(
      found.map(({ range }) => range.start.line),
      ["layer1.0.conv2", "layer1.1.conv2"].map((layer) => lineOf(layer, 1)),
    );
    const [related] = found[0]?.relatedInformation ?? [];
    assert.equal(related?.location.range.start.line, lineOf("conv1", 0));
    assert.equal(await document.save(), false, "a part of a group is not saved");

    const editor = await vscode.window.showTextDocument(document);
    const at = new vscode.Position(lineOf("layer1.1.conv2", 1), 4);
    editor.selection = new vscode.Selection(at, at);
    editor.revealRange(new vscode.Range(at, at));
    const [first] = await quickFixes();
    assert.equal(first, "Delete the 2 coupled lines");
    await press("Enter");
    await until("no error is left", () => errors().length === 0);
    const before = readFileSync(fixture).length;
    assert.equal(await document.save(), true);
    assert.ok(readFileSync(model).length < before);
    await until("the smaller model is listed", () =>
      /^layer layer1\.1\.conv2 {2}Conv 3x3 {2}6 -> 5/m.test(document.getText()),
    );
    await showNotices();
  });
});

/** Whether a prune is slower on a machine that others use too is not what is tested here. */
async function confirms(value: "never" | undefined): Promise<void> {
  const settings = vscode.workspace.getConfiguration("kaibo");
  await settings.update("confirmPrune", value, vscode.ConfigurationTarget.Global);
}
