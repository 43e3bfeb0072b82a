/** As much as keeps accuracy within the guard: a code action deletes the lines, one undo brings them back. */
import assert from "node:assert/strict";
import * as vscode from "vscode";
import { listingUri, modelBytes, openListing, original, startAfresh } from "../digits.ts";
import { notices, showNotices } from "../surfaces.ts";
import { needsPage, until } from "../workbench.ts";

describe("pruning within the accuracy guard", function () {
  this.timeout(180_000);
  before(startAfresh);
  after(startAfresh);

  it("is a code action of a layer's line, and an edit of the listing", async function () {
    const { document } = await openListing();
    const before = document.getText();
    const line = before.split("\n").findIndex((it) => it.startsWith("layer conv1 "));
    const actions = await vscode.commands.executeCommand<vscode.CodeAction[]>(
      "vscode.executeCodeActionProvider",
      listingUri,
      new vscode.Range(line, 0, line, 0),
    );
    const action = actions.find(({ title }) => /^Prune as much of conv1 as keeps/.test(title));
    assert.equal(action?.title, "Prune as much of conv1 as keeps accuracy within 0.5 points");
    const { command, arguments: args = [] } = action!.command!;
    await vscode.commands.executeCommand(command, ...args);
    const gone = before.split("\n").length - document.lineCount;
    assert.ok(gone > 0 && document.isDirty && modelBytes().equals(original));
    assert.match(document.getText(), /^layer conv2 /m);
    await vscode.commands.executeCommand("undo");
    await until("one undo takes it back", () => document.getText() === before);
    needsPage(this);
    await showNotices();
    const said = new RegExp(`^Deleted the lines of ${gone} units? of conv1: without`);
    await until("the editor says what it did", async () =>
      (await notices()).some((it) => said.test(it)),
    );
  });
});
