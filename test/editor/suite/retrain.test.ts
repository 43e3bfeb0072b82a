/** Training by the command: what and how long is asked, the result is in place, undo takes it back. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import * as vscode from "vscode";
import { findings, model, modelBytes, openListing, original, startAfresh } from "../digits.ts";
import { notices, pressNoticeButton, showNotices } from "../surfaces.ts";
import { needsPage, press, texts, until } from "../workbench.ts";

const config = path.join(path.dirname(model), "kaibo.json");

describe("training", function () {
  this.timeout(180_000);
  const given = readFileSync(config, "utf8");
  before(startAfresh);
  after(async () => {
    writeFileSync(config, given);
    await startAfresh();
  });

  it("asks what and how long, says what came of it, and can be undone", async function () {
    needsPage(this);
    const train = '"train": "t10k-images-idx3-ubyte.gz",';
    await saveConfig(given.replace('"data":', `${train} "data":`));
    await openListing();
    const mostErrors = watchErrors();
    const done = vscode.commands.executeCommand("kaibo.retrain", vscode.Uri.file(model));
    await choose(/Fully connected layers/);
    await choose(/^1$/);
    await showNotices();
    const said = await until(
      "the result is told",
      async () => (await notices()).find((text) => /^Trained model\.onnx/.test(text)),
      120_000,
    );
    assert.match(said, /best after epoch 1: accuracy 0\.\d{4} → 0\.\d{4} on t10k-images/);
    assert.ok(!modelBytes().equals(original));
    await pressNoticeButton("Undo");
    await until("the model is as it was", () => modelBytes().equals(original));
    await done;
    await until("it is listed", () => findings().length > 0);
    assert.equal(mostErrors(), 0, "errors in the old text while the new one was on its way");
  });
});

/** By the editor, which tells the server at once; a watcher takes its time. */
async function saveConfig(text: string): Promise<void> {
  const document = await vscode.workspace.openTextDocument(config);
  const edit = new vscode.WorkspaceEdit();
  edit.replace(document.uri, document.validateRange(new vscode.Range(0, 0, 1e6, 0)), text);
  await vscode.workspace.applyEdit(edit);
  assert.ok(await document.save());
}

/** How many errors the listing ever had since then. */
function watchErrors(): () => number {
  let most = 0;
  const isError = ({ severity }: vscode.Diagnostic) => severity === vscode.DiagnosticSeverity.Error;
  const watching = vscode.languages.onDidChangeDiagnostics(() => {
    most = Math.max(most, findings().filter(isError).length);
  });
  return () => {
    watching.dispose();
    return most;
  };
}

/** What is on show; a list that is closed stays in the page. */
const LIST = '.quick-input-widget:not([style*="display: none"]) .monaco-list-row';

/** Goes down the list on show to the entry, and takes it. */
async function choose(label: RegExp): Promise<void> {
  const rows = () => texts(LIST);
  await until(`${label} is asked`, async () => (await rows()).some(isIt));
  await until(`${label} is chosen`, async () => {
    const [focused = ""] = await texts(`${LIST}.focused`);
    if (isIt(focused)) return true;
    await press("ArrowDown");
    return false;
  });
  await press("Enter");
  await until(`${label} is taken`, async () => !(await rows()).some(isIt));

  function isIt(text: string): boolean {
    return text.split("\n").some((line) => label.test(line.trim()));
  }
}
