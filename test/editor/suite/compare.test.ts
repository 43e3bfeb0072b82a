/** Two models side by side: what is the same stands on equal lines. */
import assert from "node:assert/strict";
import { copyFileSync, rmSync } from "node:fs";
import path from "node:path";
import * as vscode from "vscode";
import { lineOf, listingUri, model, openListing, startAfresh } from "../digits.ts";
import { until } from "../workbench.ts";

describe("comparing two models", function () {
  this.timeout(120_000);
  const copy = path.join(path.dirname(model), "before.onnx");
  before(startAfresh);
  after(async () => {
    rmSync(copy, { force: true });
    await startAfresh();
  });

  it("shows which units went, and the others under the numbers that they had", async () => {
    copyFileSync(model, copy);
    const { document } = await openListing();
    const edit = new vscode.WorkspaceEdit();
    for (const unit of [5, 2]) {
      const line = lineOf(document, unit);
      edit.delete(listingUri, new vscode.Range(line, 0, line + 1, 0));
    }
    assert.ok(await vscode.workspace.applyEdit(edit));
    const settings = vscode.workspace.getConfiguration("kaibo");
    await settings.update("confirmPrune", "never", vscode.ConfigurationTarget.Global);
    try {
      assert.ok(await document.save());
    } finally {
      await settings.update("confirmPrune", undefined, vscode.ConfigurationTarget.Global);
    }

    const selected = [copy, model].map((file) => vscode.Uri.file(file));
    await vscode.commands.executeCommand("kaibo.compareWith", selected[0], selected);
    const tab = () => vscode.window.tabGroups.activeTabGroup.activeTab?.input;
    await until("the diff editor is open", () => tab() instanceof vscode.TabInputTextDiff);
    const { original, modified } = tab() as vscode.TabInputTextDiff;
    const texts = await Promise.all(
      [original, modified].map(async (uri) =>
        (await vscode.workspace.openTextDocument(uri)).getText().split("\n"),
      ),
    );
    const [left, right] = texts.map((lines) => lines.flatMap((l) => /^ {2}unit \d+/.exec(l) ?? []));
    // conv1 comes first: its units keep their numbers.
    const kept = left!.filter((l, i) => i >= 32 || !/ [25]$/.test(l));
    assert.deepEqual(right, kept);
    assert.equal(left!.length - right!.length, 2);
    assert.ok(texts[1]!.some((l) => /^ {2}# .*3-4, 6-31.* 2-29/.test(l)));
  });
});
