/** Restricted Mode: a model of a workspace that is not trusted is shown and explained; nothing is written. */
import assert from "node:assert/strict";
import * as vscode from "vscode";
import {
  isListed,
  lineOf,
  listingUri,
  modelBytes,
  openListing,
  original,
  startAfresh,
} from "../digits.ts";
import { notices, showNotices } from "../surfaces.ts";
import { needsPage, until } from "../workbench.ts";

describe("a workspace that is not trusted", function () {
  this.timeout(120_000);
  let document: vscode.TextDocument;
  before(async () => {
    assert.equal(vscode.workspace.isTrusted, false);
    await startAfresh();
    ({ document } = await openListing());
  });
  after(startAfresh);

  it("shows its models with their importance", () => {
    assert.match(document.getText(), /^layer conv1 /m);
    assert.ok(isListed(document, 0));
  });

  it("keeps its models as they are: saving is refused, with the reason", async function () {
    const edit = new vscode.WorkspaceEdit();
    const line = lineOf(document, 4);
    edit.delete(listingUri, new vscode.Range(line, 0, line + 1, 0));
    assert.ok(await vscode.workspace.applyEdit(edit));
    assert.equal(await document.save(), false);
    assert.ok(document.isDirty);
    assert.ok(modelBytes().equals(original));
    needsPage(this);
    await showNotices();
    await until("the editor says why", async () =>
      (await notices()).some((it) => /writes no files in Restricted Mode/.test(it)),
    );
  });
});
