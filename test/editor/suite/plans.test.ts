/** Plans go out of an edited listing and come back as an edit that one undo takes back. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import * as vscode from "vscode";
import {
  isListed,
  lineOf,
  listingUri,
  model,
  modelBytes,
  openListing,
  original,
  startAfresh,
} from "../digits.ts";
import { until } from "../workbench.ts";

describe("a prune plan", function () {
  this.timeout(120_000);
  before(startAfresh);
  after(startAfresh);

  it("is what is deleted in a listing, and deletes it again", async () => {
    const { document } = await openListing();
    const before = document.getText();
    for (const unit of [5, 2]) {
      const edit = new vscode.WorkspaceEdit();
      const line = lineOf(document, unit);
      edit.delete(listingUri, new vscode.Range(line, 0, line + 1, 0));
      assert.ok(await vscode.workspace.applyEdit(edit));
    }
    const edited = document.getText();
    const file = vscode.Uri.file(path.join(path.dirname(model), "p.kaibo-plan.json"));
    await vscode.commands.executeCommand("kaibo.exportPlan", file);
    const plan = JSON.parse(readFileSync(file.fsPath, "utf8")) as { units: object };
    assert.deepEqual(plan.units, [{ layer: "conv1", units: [2, 5], of: 32 }]);

    await vscode.commands.executeCommand("workbench.action.files.revert");
    await until("the lines are back", () => document.getText() === before);
    await vscode.commands.executeCommand("kaibo.importPlan", file);
    await until("the lines are gone", () => !isListed(document, 2) && !isListed(document, 5));
    assert.equal(document.getText(), edited);
    assert.ok(document.isDirty && modelBytes().equals(original));
    await vscode.commands.executeCommand("undo");
    await until("one undo takes it back", () => document.getText() === before);
  });
});
