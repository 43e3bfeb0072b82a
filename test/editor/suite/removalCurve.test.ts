/** The panel "Removal curve" of the sample: computed, looked at, applied to the listing, restored. */
import assert from "node:assert/strict";
import { existsSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import * as vscode from "vscode";
import { goTo, isListed, lineOf, listingUri, model, openListing, startAfresh } from "../digits.ts";
import {
  evaluate,
  evaluateInWebview,
  needsPage,
  note,
  press,
  screenshot,
  texts,
  until,
} from "../workbench.ts";

const wanted = process.env.KAIBO_SCREENSHOTS;
const slow = wanted ? 400_000 : 90_000;
/** The whole data only for pictures: computing takes its time where the browser shares two cores. */
const sampleLimit = wanted ? undefined : 200;

describe("the removal curve's panel", function () {
  this.timeout(slow + 30_000);
  before(async function () {
    needsPage(this);
    await startAfresh();
    await vscode.workspace
      .getConfiguration("kaibo")
      .update("sampleLimit", sampleLimit, vscode.ConfigurationTarget.Global);
    if (!wanted) return;
    // They would show where the tests keep their files.
    await vscode.workspace
      .getConfiguration("breadcrumbs")
      .update("enabled", false, vscode.ConfigurationTarget.Global);
    await dress("Dark Modern");
  });
  after(async () => {
    await vscode.workspace
      .getConfiguration("kaibo")
      .update("sampleLimit", undefined, vscode.ConfigurationTarget.Global);
    await startAfresh();
  });

  it("opens for the layer under the cursor, and computes the curve when asked", async () => {
    const { document } = await openListing();
    await vscode.commands.executeCommand("workbench.action.closeSidebar");
    await goTo(document, 3);
    const started = Date.now();
    await vscode.commands.executeCommand("kaibo.showRemovalCurve");
    await until("the panel is ready", () => inPanel("true"));
    assert.equal(await inPanel('document.querySelector("vscode-dropdown").value'), "layer:conv1");
    await note(`the panel was ready after ${Date.now() - started} ms`);
    assert.match(String(await words()), /Nothing has been computed yet/);
    await clickInPanel("vscode-button");
    await until("progress", () => inPanel('!document.querySelector(".progress").hidden'));
    await picture("removal-curve-computing");
    await until("the chart", () => inPanel('!!document.querySelector(".chart svg")'), slow);
    assert.match(String(await words()), /smallest first \(area 0\.\d+\)/);
  });

  it("has no fault that axe finds in VS Code's own themes", async () => {
    const axe = readFileSync(path.join(extension(), "node_modules/axe-core/axe.min.js"), "utf8");
    await choose(8);
    for (const theme of ["Light Modern", "Default High Contrast", "Dark Modern"]) {
      await dress(theme);
      const found =
        await inPanel(`(${axe.replace(/;\s*$/, "")}, axe.run({ resultTypes: ["violations"] })
        .then(({ violations }) => violations.map(({ id, nodes }) =>
          id + ": " + nodes.map(({ html }) => html.slice(0, 120)).join(" | "))))`);
      assert.deepEqual(found, [], theme);
      await picture(`removal-curve-${theme.toLowerCase().replaceAll(" ", "-")}`);
    }
  });

  it("applies a point to the listing: lines go, one undo brings them back", async () => {
    const document = await vscode.workspace.openTextDocument(listingUri);
    const before = document.getText();
    await choose(4);
    const listed = (await inPanel(
      'document.querySelector("section td:last-child").innerText',
    )) as string;
    const units = listed.split(", ").map(Number);
    assert.equal(units.length, 4);
    await inPanel('document.querySelector("section vscode-button").click()');
    await until("the lines are gone", () => units.every((unit) => !isListed(document, unit)));
    assert.equal(document.lineCount, before.split("\n").length - 4);
    assert.ok(document.isDirty);
    await until("the panel says so", async () =>
      /4 lines were deleted in the listing/.test(String(await words())),
    );
    await picture("removal-curve-applied");
    await vscode.window.showTextDocument(document);
    await press("Control+z");
    await until("undo brings them back", () => document.getText() === before);
    assert.ok(lineOf(document, units[0] ?? 0) > 0);
  });

  it("exports its picture to where the user says", async () => {
    await showPanel();
    const file = path.join(path.dirname(model), "model-removal-curve.svg");
    rmSync(file, { force: true });
    await inPanel(`[...document.querySelectorAll("vscode-button")]
      .find((it) => /SVG/.test(it.textContent)).click()`);
    await until("a path is asked for", () =>
      evaluate(`(document.querySelector(".quick-input-widget:not([style*='display: none']) input")?.value ?? "")
        .endsWith("model-removal-curve.svg")`).then(Boolean),
    );
    await press("Enter");
    await until("the file is written", () => existsSync(file) && readFileSync(file).length > 0);
    assert.match(readFileSync(file, "utf8"), /^<svg [^>]*role='img'/);
    rmSync(file);
  });

  it("is as it was after it was hidden", async () => {
    await showPanel();
    await choose(6);
    const before = await words();
    await vscode.commands.executeCommand("workbench.action.files.newUntitledFile");
    await until(
      "the panel is gone",
      async () =>
        (await texts("iframe.webview.ready")).length === 0 ||
        inPanel("true").then(
          () => false,
          () => true,
        ),
    );
    await vscode.commands.executeCommand("workbench.action.closeActiveEditor");
    await showPanel();
    await until("the same words", async () => (await words()) === before);
  });
});

/** A value from the panel's page. */
function inPanel(expression: string): Promise<unknown> {
  return evaluateInWebview(expression, 'body[data-ready="1"] #panel h1');
}

const words = () => inPanel('document.querySelector("#panel").innerText');

async function clickInPanel(selector: string): Promise<void> {
  await inPanel(`document.querySelector(${JSON.stringify(selector)}).click()`);
}

/** Chooses the point of the first series that removes so many. */
async function choose(removed: number): Promise<void> {
  await inPanel(`(() => {
    const chart = document.querySelector(".chart");
    const key = (name) => chart.dispatchEvent(new KeyboardEvent("keydown", { key: name, bubbles: true }));
    key("Home");
    for (let i = 0; i < ${removed}; i++) key("ArrowRight");
  })()`);
  await until(`${removed} removed`, async () =>
    new RegExp(`smallest first: ${removed} removed`).test(String(await words())),
  );
}

async function showPanel(): Promise<void> {
  await vscode.commands.executeCommand("kaibo.showRemovalCurve", vscode.Uri.file(model));
  await until("the panel is ready", () => inPanel("true"));
}

async function dress(theme: string): Promise<void> {
  const settings = vscode.workspace.getConfiguration("workbench");
  await settings.update("colorTheme", theme, vscode.ConfigurationTarget.Global);
  const kind = { "Light Modern": "vs", "Dark Modern": "vs-dark" }[theme] ?? "hc-black";
  await until(`${theme} is on`, () =>
    evaluate(`!!document.querySelector(".monaco-workbench.${kind}")`).then(Boolean),
  );
}

function extension(): string {
  const found = vscode.extensions.getExtension("kaibo.kaibo");
  assert.ok(found);
  return found.extensionPath;
}

async function picture(name: string): Promise<void> {
  if (!wanted) return;
  const folder = process.env.KAIBO_SCREENSHOTS_FOLDER ?? "out/screenshots";
  await screenshot(path.join(folder, `${name}.png`));
}
