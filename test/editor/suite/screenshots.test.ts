/** Pictures of every surface, to be looked at: out/screenshots. Only with KAIBO_SCREENSHOTS=1. */
import path from "node:path";
import * as vscode from "vscode";
import { goTo, listingEditor, model, openListing, startAfresh, unitsFound } from "../digits.ts";
import { needsPage, press, screenshot, texts, until } from "../workbench.ts";

const ja = vscode.env.language.startsWith("ja");

describe("screenshots", function () {
  this.timeout(150_000);
  before(async function () {
    if (process.env.KAIBO_SCREENSHOTS !== "1") this.skip();
    needsPage(this);
    await startAfresh();
  });

  it("shows the model's title button", async () => {
    await vscode.commands.executeCommand("vscode.open", vscode.Uri.file(model));
    await until("button", async () => (await texts(".editor-actions .action-label")).length > 0);
    await picture("model");
  });

  it("shows the listing", async () => {
    await vscode.commands.executeCommand("kaibo.openListing", vscode.Uri.file(model));
    await until("editor", listingEditor);
    await picture("computing");
    await openListing();
    await picture("listing");
  });

  it("shows a hover", async () => {
    const editor = await openListing();
    const low = unitsFound(editor.document, "low-importance");
    goTo(editor, low[0]!);
    await vscode.commands.executeCommand("editor.action.showHover");
    await until("hover", async () => (await texts(".monaco-hover:not(.hidden) .hover-contents")).length > 0);
    await until("pictures", async () => (await texts(".monaco-hover:not(.hidden) img")).length > 1);
    await picture("hover");
    await press("Escape");
    await vscode.commands.executeCommand("editor.action.quickFix");
    await until("menu", async () => (await texts(".action-widget .monaco-list-row")).length > 0);
    await picture("quickfix");
    await press("Escape");
  });

  it("shows the problems", async () => {
    await vscode.commands.executeCommand("workbench.actions.view.problems");
    await until("rows", async () => (await texts(".markers-panel .monaco-list-row")).length > 3);
    await picture("problems");
    await vscode.commands.executeCommand("workbench.action.closePanel");
  });

  it("shows a prune", async () => {
    const editor = await openListing();
    goTo(editor, unitsFound(editor.document, "low-importance")[0]!);
    await vscode.commands.executeCommand("editor.action.quickFix");
    await until("menu", async () => (await texts(".action-widget .monaco-list-row.focused")).length > 0);
    await press("ArrowDown");
    await press("Enter");
    await until("dirty", () => editor.document.isDirty);
    await press("Control+s");
    await until("notice", async () => (await texts(".notification-toast")).length > 0, 90_000);
    await picture("pruned");
  });
});

async function picture(name: string): Promise<void> {
  const kind = vscode.window.activeColorTheme.kind === vscode.ColorThemeKind.Light ? "-light" : "";
  await screenshot(path.resolve(process.env.KAIBO_ROOT ?? ".", "out/screenshots", `${name}${kind}${ja ? "-ja" : ""}.png`));
}
