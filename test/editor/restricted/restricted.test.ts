/** Restricted Mode: a model of a workspace that is not trusted is shown and explained; nothing is written. */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
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
import { notices, showNotices } from "../surfaces.ts";
import { needsPage, until } from "../workbench.ts";

interface Manifest {
  readonly contributes: {
    readonly commands: readonly { readonly command: string; readonly enablement?: string }[];
  };
}

describe("a workspace that is not trusted", function () {
  this.timeout(120_000);
  let document: vscode.TextDocument;
  const files = readdirSync(path.dirname(model)).sort();
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

  // In the palette they are not enabled; by name they can still be run.
  for (const command of [
    "kaibo.retrain",
    "kaibo.undoPrune",
    "kaibo.restoreOriginal",
    "kaibo.server.restoreOriginal",
    "kaibo.exportPlan",
    "kaibo.createKaiboJson",
  ])
    it(`refuses ${command}, with the reason`, async function () {
      needsPage(this);
      await vscode.commands.executeCommand("notifications.clearAll");
      const of = command.startsWith("kaibo.server.") ? model : listingUri;
      await vscode.commands.executeCommand(command, of);
      await showNotices();
      await until("the editor says why", async () =>
        (await notices()).some((it) => /writes no files in Restricted Mode/.test(it)),
      );
      assert.ok(modelBytes().equals(original));
      assert.deepEqual(readdirSync(path.dirname(model)).sort(), files);
    });

  it("has all of its commands that write files switched off in menus and palette", async () => {
    const { contributes } = vscode.extensions.getExtension("kaibo.kaibo")!.packageJSON as Manifest;
    const off = contributes.commands.flatMap(({ command, enablement = "" }) =>
      enablement.includes("isWorkspaceTrusted") ? [command] : [],
    );
    assert.deepEqual(off.sort(), [
      "kaibo.createKaiboJson",
      "kaibo.exportPlan",
      "kaibo.restoreOriginal",
      "kaibo.retrain",
      "kaibo.undoPrune",
    ]);
  });

  it("deletes lines within the accuracy guard: an edit, which is not saved", async () => {
    await vscode.commands.executeCommand("workbench.action.files.revert");
    await until("no edit is left", () => !document.isDirty);
    const lines = document.lineCount;
    await vscode.commands.executeCommand("kaibo.pruneWithinGuard", listingUri.toString(), "conv1");
    assert.ok(document.isDirty && document.lineCount < lines);
    assert.equal(await document.save(), false);
    assert.ok(modelBytes().equals(original));
    await vscode.commands.executeCommand("workbench.action.files.revert");
  });

  it("opens none over the limits, even when that is asked by name", async () => {
    const settings = vscode.workspace.getConfiguration("kaibo.limits");
    const refused = () =>
      vscode.languages.getDiagnostics(listingUri).some(({ code }) => code === "over-limit");
    try {
      await settings.update("nodes", 3, vscode.ConfigurationTarget.Global);
      await until("the model is refused", refused);
      await vscode.commands.executeCommand("kaibo.server.openAnyway", model);
      // A model that is opened would be read, and found to be in order, before this is done.
      await vscode.commands.executeCommand("kaibo.server.computeImportance", model);
      assert.ok(refused());
    } finally {
      await settings.update("nodes", undefined, vscode.ConfigurationTarget.Global);
      await until("the model is there", () => !refused());
    }
  });

  it("does not offer to open files that are over the limits", async () => {
    const settings = vscode.workspace.getConfiguration("kaibo.limits");
    try {
      await settings.update("nodes", 3, vscode.ConfigurationTarget.Global);
      await until("the model is refused", () =>
        vscode.languages.getDiagnostics(listingUri).some(({ code }) => code === "over-limit"),
      );
      const actions = await vscode.commands.executeCommand<(vscode.CodeAction | vscode.Command)[]>(
        "vscode.executeCodeActionProvider",
        listingUri,
        new vscode.Range(0, 0, 0, 0),
      );
      assert.deepEqual(
        actions.map(({ title }) => title).filter((it) => /anyway/i.test(it)),
        [],
      );
    } finally {
      await settings.update("nodes", undefined, vscode.ConfigurationTarget.Global);
    }
  });
});
