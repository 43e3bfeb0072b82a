/**
 * Pictures of every surface, to be looked at: out/screenshots. Only with KAIBO_SCREENSHOTS=1 (dark) or
 * KAIBO_SCREENSHOTS=light.
 */
import path from "node:path";
import * as vscode from "vscode";
import {
  goTo,
  listingEditor,
  model,
  openListing,
  startAfresh,
  unitsFound,
  withImportance,
} from "../digits.ts";
import { hoverPictures, notices, pressNoticeButton, quickFixes, showNotices } from "../surfaces.ts";
import { click, evaluate, needsPage, press, screenshot, texts, until } from "../workbench.ts";

const wanted = process.env.KAIBO_SCREENSHOTS;
const light = wanted === "light";
const endings = [
  ...(light ? ["light"] : []),
  ...(vscode.env.language.startsWith("ja") ? ["ja"] : []),
];

describe("screenshots", function () {
  this.timeout(150_000);
  before(async function () {
    if (!wanted) this.skip();
    needsPage(this);
    await startAfresh();
    const settings = vscode.workspace.getConfiguration("workbench");
    // They would show where the tests keep their files.
    const breadcrumbs = vscode.workspace.getConfiguration("breadcrumbs");
    await breadcrumbs.update("enabled", false, vscode.ConfigurationTarget.Global);
    const theme = light ? "Light Modern" : "Dark Modern";
    await settings.update("colorTheme", theme, vscode.ConfigurationTarget.Global);
    const kind = light ? "vs" : "vs-dark";
    await until("the theme is on", () =>
      evaluate(`!!document.querySelector(".monaco-workbench.${kind}")`).then(Boolean),
    );
  });

  it("shows the model and its listing before and after importance is there", async () => {
    await vscode.commands.executeCommand("vscode.open", vscode.Uri.file(model));
    const button = '.editor-actions a[aria-label$="Listing"], .editor-actions .codicon-list-tree';
    await until("the button", async () => (await texts(button)).length > 0);
    await picture("model");
    await click(button);
    await until("the listing", listingEditor);
    await picture("computing");
    await withImportance();
    await picture("listing");
    await vscode.commands.executeCommand("workbench.action.closeSidebar");
    await click("#status\\.languageStatus");
    await picture("status");
    await click(".monaco-editor .view-lines");
  });

  it("shows a hover and the quick fixes", async () => {
    const { document } = await openListing();
    await goTo(document, unitsFound(document, "low-importance")[0] ?? 0);
    await press("Control+k");
    await press("Control+i");
    await until("pictures", async () => {
      const pictures = await hoverPictures();
      return pictures.length === 2 && pictures.every(({ width }) => width > 0);
    });
    await picture("hover");
    await press("Escape");
    await quickFixes();
    await picture("quickfix");
    await press("Escape");
  });

  it("shows the problems", async () => {
    await vscode.commands.executeCommand("workbench.actions.view.problems");
    await until("rows", async () => (await texts(".markers-panel .monaco-list-row")).length > 3);
    await vscode.commands.executeCommand("list.focusLast");
    await picture("problems");
    await vscode.commands.executeCommand("workbench.action.closePanel");
  });

  it("shows a prune, and what it changed", async () => {
    const { document } = await openListing();
    await goTo(document, unitsFound(document, "low-importance")[0] ?? 0);
    await quickFixes();
    await press("ArrowDown");
    await press("Enter");
    await until("unsaved", () => document.isDirty);
    await press("Control+s");
    await until("saved", () => !document.isDirty, 60_000);
    await until("the smaller model", () => document.getText().includes("1 -> 29"));
    await withImportance();
    await showNotices();
    await until("a notice", async () => (await notices()).length > 0);
    await picture("pruned");
    await pressNoticeButton(vscode.env.language.startsWith("ja") ? "表示" : "Show");
    await until(
      "both sides",
      async () => (await texts(".diff-editor, .monaco-diff-editor")).length > 0,
    );
    await until("differences", async () => (await texts(".line-delete, .char-delete")).length > 0);
    await picture("shown");
  });
});

async function picture(name: string): Promise<void> {
  const folder = process.env.KAIBO_SCREENSHOTS_FOLDER ?? "out/screenshots";
  await screenshot(path.join(folder, `${[name, ...endings].join("-")}.png`));
}
