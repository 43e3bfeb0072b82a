/** What a user does with the sample: open its model, look, prune, save, and take it back. */
import assert from "node:assert/strict";
import * as vscode from "vscode";
import {
  findings,
  goTo,
  isListed,
  lineOf,
  listingEditor,
  listingUri,
  model,
  modelBytes,
  openListing,
  original,
  startAfresh,
  unitsFound,
  withCode,
  withImportance,
} from "../digits.ts";
import { hoverPictures, notices, pressNoticeButton, quickFixes, showNotices } from "../surfaces.ts";
import { click, evaluate, needsPage, note, press, texts, until } from "../workbench.ts";

const slow = 120_000;

describe("a model's listing", function () {
  this.timeout(slow);
  const confirms = (value: "never" | undefined) =>
    vscode.workspace
      .getConfiguration("kaibo")
      .update("confirmPrune", value, vscode.ConfigurationTarget.Global);
  // Whether the smaller model is faster depends on what else this machine does.
  before(() => confirms("never"));
  beforeEach(startAfresh);
  after(async () => {
    await confirms(undefined);
    await startAfresh();
  });

  it("opens from the model's title button, and importance arrives without a pop-up", async function () {
    needsPage(this);
    await vscode.commands.executeCommand("vscode.open", vscode.Uri.file(model));
    const button = '.editor-actions a[aria-label^="Open Listing"]';
    await until("the button is there", () => click(button).then(() => true));
    const { document } = await until("the listing is on show", listingEditor);
    const started = Date.now();
    await showNotices();
    await until(
      "importance arrives",
      async () => {
        assert.deepEqual(await texts(".notifications-center .monaco-button"), []);
        return /# [\d,]+ samples; accuracy 0\.\d{4}/.test(document.getText());
      },
      slow,
    );
    await note(`importance of 2,000 samples arrived after ${Date.now() - started} ms`);
    await until("nothing is left to read", async () => (await notices()).length === 0);
  });

  it("is coloured, folds by layer and has an outline by layer", async function () {
    const { document } = await openListing();
    const layers = ["conv1", "conv2", "fc1", "fc2"];
    const symbols = await vscode.commands.executeCommand<vscode.DocumentSymbol[]>(
      "vscode.executeDocumentSymbolProvider",
      listingUri,
    );
    assert.deepEqual(
      symbols.map(({ name }) => name),
      layers,
    );
    assert.deepEqual(
      symbols.map(({ children }) => children.length),
      [32, 64, 128, 10],
    );
    const folds = await vscode.commands.executeCommand<vscode.FoldingRange[]>(
      "vscode.executeFoldingRangeProvider",
      listingUri,
    );
    assert.deepEqual(
      folds.map(({ start }) => /^layer (\w+)/.exec(document.lineAt(start).text)?.[1]),
      layers,
    );
    needsPage(this);
    const colours = `new Set([...document.querySelectorAll(".view-line span[class^=mtk]")]
      .map((e) => getComputedStyle(e).color)).size`;
    await until("words have colours", async () => ((await evaluate(colours)) as number) >= 4);
  });

  it("fades and underlines units of low importance and warns of dead ones", async function () {
    const { document } = await openListing();
    const low = withCode("low-importance").filter(
      ({ severity }) => severity === vscode.DiagnosticSeverity.Hint,
    );
    assert.ok(low.length > 0);
    for (const { tags } of low) assert.deepEqual(tags, [vscode.DiagnosticTag.Unnecessary]);
    const dead = withCode("dead-unit");
    assert.ok(dead.length > 0);
    for (const { severity } of dead) assert.equal(severity, vscode.DiagnosticSeverity.Warning);
    needsPage(this);
    await goTo(document, unitsFound(document, "low-importance")[0] ?? 0);
    const faded = 'document.querySelector(".view-line .squiggly-inline-unnecessary")';
    await until("its line is faded", async () => {
      const opacity = await evaluate(`${faded} && Number(getComputedStyle(${faded}).opacity)`);
      return typeof opacity === "number" && opacity < 1;
    });
    const lines = `[...document.querySelectorAll(".view-line span")].some((e) =>
      getComputedStyle(e).textDecorationStyle === "dotted")`;
    await until("its line is underlined", () => evaluate(lines).then(Boolean));
    await until(
      "dead ones have squiggles",
      async () => (await texts(".squiggly-warning")).length > 0,
    );
  });

  it("has both in the Problems panel", async function () {
    needsPage(this);
    await openListing();
    await press("Control+Shift+M");
    const rows = () => texts(".markers-panel .monaco-list-row");
    await until("dead units are listed", async () =>
      (await rows()).some((row) => /never active/.test(row)),
    );
    await vscode.commands.executeCommand("list.focusLast");
    await until("low importance is listed", async () =>
      (await rows()).some((row) => /\d+ of \d+ units have low importance: \d/.test(row)),
    );
  });

  it("explains a unit on hover, in words and pictures", async function () {
    needsPage(this);
    const { document } = await openListing();
    const [unit = 0] = unitsFound(document, "low-importance");
    await goTo(document, unit);
    await press("Control+k");
    await press("Control+i");
    const words = await until("the hover has words", async () =>
      (await texts(".monaco-hover:not(.hidden) .hover-contents")).find((text) =>
        text.includes(`unit ${unit}`),
      ),
    );
    assert.match(words, new RegExp(`conv1 / unit ${unit}`));
    assert.match(words, /importance 0\.\d+, rank \d+ of 32/);
    assert.match(words, /contribution 0\.\d+ of the layer/);
    assert.match(words, /active on \d+ %/);
    const pictures = await until("both pictures are loaded", async () => {
      const all = await hoverPictures();
      return all.length === 2 && all.every(({ width }) => width > 0) && all;
    });
    for (const { source } of pictures) assert.match(source, /^data:image\/svg\+xml/);
    await press("Escape");
  });

  it("is pruned, saved and restored by the keyboard alone", async function () {
    needsPage(this);
    const { document } = await openListing();
    const before = document.getText();
    const low = unitsFound(document, "low-importance");
    const units = [...low, ...unitsFound(document, "dead-unit")];
    const listed = () => units.filter((unit) => isListed(document, unit));

    await goTo(document, low[0] ?? 0);
    const offered = await quickFixes();
    assert.deepEqual(offered, [
      `Prune unit ${low[0]} of conv1`,
      `Prune the ${units.length} low-importance units of conv1`,
    ]);
    await press("ArrowDown");
    await press("Enter");
    await until("the lines are gone", () => listed().length === 0);
    await press("Control+z");
    await until("undo brings them back", () => document.getText() === before);
    await press("Control+Shift+z");
    await until("redo takes them away", () => listed().length === 0);

    let wrong = 0;
    const watching = vscode.languages.onDidChangeDiagnostics(() => {
      wrong += findings().filter((it) => it.severity === vscode.DiagnosticSeverity.Error).length;
    });
    await press("Control+s");
    await until("it is saved", () => !document.isDirty, 30_000).catch(async (error: unknown) => {
      await showNotices();
      throw new Error(`${error}; notices: ${(await notices()).join("; ")}`);
    });
    const smaller = modelBytes();
    assert.ok(smaller.length < original.length, `${smaller.length} bytes`);
    await until("the smaller model is read", () =>
      document.getText().includes(`layer conv1  Conv 3x3  1 -> ${32 - units.length}`),
    );
    watching.dispose();
    assert.equal(wrong, 0, "errors while the smaller model is read");
    await showNotices();
    const notice = await until("a notice", async () =>
      (await notices()).find((it) => it.startsWith("Pruned")),
    );
    await note(notice);
    const kb = "9\\d\\d(\\.\\d)? kB|8\\d\\d(\\.\\d)? kB";
    assert.match(
      notice,
      new RegExp(
        `Pruned ${units.length} units of conv1: accuracy 0\\.\\d{4} → 0\\.\\d{4}, size (${kb}) → (${kb})`,
      ),
    );
    await pressNoticeButton("Undo");
    await until("the original is back", () => modelBytes().equals(original));
    await withImportance();
    await until("the listing is as before", () => document.getText() === before);
    assert.equal(document.isDirty, false);
  });

  it("is restored by a command when the notice is gone", async () => {
    const { document } = await openListing();
    const before = document.getText();
    const edit = new vscode.WorkspaceEdit();
    const line = lineOf(document, 3);
    edit.delete(listingUri, new vscode.Range(line, 0, line + 1, 0));
    await vscode.workspace.applyEdit(edit);
    assert.equal(await document.save(), true);
    await vscode.commands.executeCommand("notifications.clearAll");
    assert.ok(modelBytes().length < original.length);
    await vscode.commands.executeCommand("kaibo.undoPrune");
    assert.ok(modelBytes().equals(original));
    await until("the listing is as before", () => document.getText() === before, slow);
    assert.ok(findings().length > 0);
  });
});
