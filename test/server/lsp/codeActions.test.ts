import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import type { CodeAction, TextEdit } from "vscode-languageserver-protocol";
import { TextDocument } from "vscode-languageserver-textdocument";
import { residualModel } from "../../support/oddModels.ts";
import { TestServer } from "../../support/server.ts";
import { digitsWorkspace, type Workspace } from "../../support/workspace.ts";

describe("code actions", function () {
  this.timeout(60_000);
  let workspace: Workspace;
  let server: TestServer;
  let text: string;
  let lines: readonly string[];
  before(async () => {
    workspace = digitsWorkspace();
    // Of conv1 unit 4 (0.0831) is below 0.2 × 0.4673, of conv2 more than one is below 0.2 × 0.36.
    workspace.config({ lowImportance: 0.2 });
    server = await TestServer.start(workspace);
    ({ text } = await server.openReady(workspace));
    lines = text.split("\n");
  });
  after(async () => {
    await server.stop();
    workspace.remove();
  });
  afterEach(() => server.change(workspace.uri, text));

  const lineOf = (layer: string, unit: number): number =>
    lines.findIndex((line) => line.startsWith(`layer ${layer} `)) + 1 + unit;
  const titles = (actions: readonly CodeAction[]): string[] => actions.map(({ title }) => title);
  /** The text after an action. */
  const edited = async (action: CodeAction | undefined): Promise<string> =>
    apply(text, await server.resolve(action!, workspace.uri));

  it("prune the unit of the line", async () => {
    const [action, ...others] = await server.actions(workspace.uri, lineOf("conv1", 6));
    assert.equal(action?.title, "Prune unit 6 of conv1");
    assert.equal(action?.kind, "refactor.rewrite");
    assert.equal(action?.edit, undefined, "edits come when the action is chosen");
    assert.deepEqual(titles(others), ["Prune the low-importance unit of conv1"]);
    const left = lines.filter((_, i) => i !== lineOf("conv1", 6));
    assert.equal(await edited(action), left.join("\n"));
  });

  it("fix what was found about the unit", async () => {
    const line = lineOf("conv1", 4);
    const diagnostics = (await server.change(workspace.uri, text)).filter(
      ({ range }) => range.start.line === line,
    );
    const actions = await server.actions(workspace.uri, line, { diagnostics });
    assert.deepEqual(titles(actions), ["Prune unit 4 of conv1"]);
    assert.equal(actions[0]?.kind, "quickfix");
    assert.deepEqual(actions[0]?.diagnostics, diagnostics);
  });

  it("prune all units of low importance of the layer, from any of its lines", async () => {
    const low = lines.filter(
      (line, i) => i < lineOf("fc1", 0) && line.includes("# low importance"),
    );
    const inConv2 = low.length - 1;
    assert.ok(inConv2 > 1);
    for (const line of [lineOf("conv2", -1), lineOf("conv2", 8)]) {
      const actions = await server.actions(workspace.uri, line);
      const all = actions.find(({ title }) => /low-importance/.test(title));
      assert.equal(all?.title, `Prune the ${inConv2} low-importance units of conv2`);
      assert.equal(all?.kind, "quickfix");
      const left = lines.filter(
        (l, i) =>
          !(l.includes("# low importance") && i > lineOf("conv2", -1) && i < lineOf("fc1", 0)),
      );
      assert.equal(await edited(all), left.join("\n"));
    }
  });

  it("prune the selected units", async () => {
    const selected = [lineOf("conv1", 1), lineOf("conv1", 3)] as const;
    const [action] = await server.actions(workspace.uri, selected);
    assert.equal(action?.title, "Prune the 3 selected units of conv1");
    const left = lines.filter((_, i) => i < selected[0] || i > selected[1]);
    assert.equal(await edited(action), left.join("\n"));
  });

  it("are for each layer of a selection over several", async () => {
    const selected = [lineOf("conv1", 7), lineOf("conv2", 0)] as const;
    const found = titles(await server.actions(workspace.uri, selected));
    assert.ok(found.includes("Prune unit 7 of conv1"), found.join());
    assert.ok(found.includes("Prune unit 0 of conv2"), found.join());
  });

  it("never prune a whole layer", async () => {
    const all = [lineOf("conv1", 0), lineOf("conv1", 7)] as const;
    const found = titles(await server.actions(workspace.uri, all));
    assert.deepEqual(found, ["Prune the low-importance unit of conv1"]);
  });

  it("do not touch the output layer, headings or blank lines", async () => {
    for (const line of [1, 2, lineOf("fc2", -1), lineOf("fc2", 0), lineOf("fc2", 9)])
      assert.deepEqual(await server.actions(workspace.uri, line), []);
    const ofModel = titles(await server.actions(workspace.uri, 0));
    assert.deepEqual(ofModel, ["Prune as much as keeps accuracy within 0.5 points"]);
  });

  it("put a changed line back", async () => {
    const line = lineOf("conv1", 2);
    const changed = text.replace("importance 0.3448", "importance 0.9");
    const diagnostics = (await server.change(workspace.uri, changed)).filter(
      ({ range }) => range.start.line === line,
    );
    const actions = await server.actions(workspace.uri, line, { diagnostics });
    const [back] = actions;
    assert.equal(back?.title, "Put the line back");
    assert.equal(back?.kind, "quickfix");
    assert.equal(back?.isPreferred, true);
    assert.deepEqual(
      back?.diagnostics?.map(({ code }) => code),
      ["changed-text"],
    );
    assert.equal(apply(changed, back?.edit?.changes?.[workspace.uri] ?? []), text);
  });

  it("are found from the text as it is when they are chosen", async () => {
    const [action] = await server.actions(workspace.uri, lineOf("conv2", 3));
    const shorter = lines.filter((_, i) => i !== lineOf("conv1", 0)).join("\n");
    await server.change(workspace.uri, shorter);
    const now = apply(shorter, await server.resolve(action!, workspace.uri));
    assert.equal(now, shorter.replace(/(layer conv2[\s\S]*?)\n {2}unit 3 .*/, "$1"));
  });

  it("are only of the kinds asked for", async () => {
    const line = lineOf("conv1", 6);
    const kinds = async (only: string[]) =>
      titles(await server.actions(workspace.uri, line, { only }));
    assert.deepEqual(await kinds(["refactor"]), ["Prune unit 6 of conv1"]);
    assert.deepEqual(await kinds(["quickfix"]), ["Prune the low-importance unit of conv1"]);
    assert.deepEqual(await kinds(["source.organizeImports"]), []);
  });
});

describe("code actions of a layer that cannot be pruned", function () {
  this.timeout(60_000);
  const workspace = digitsWorkspace({ kaiboJson: false });
  after(() => workspace.remove());

  it("are none, and hovers say why", async () => {
    writeFileSync(workspace.model, residualModel());
    const server = await TestServer.start(workspace);
    const { text } = await server.listing(workspace.model);
    await server.open(workspace.uri, text);
    const line = text.split("\n").findIndex((l) => l.includes("cannot be pruned"));
    assert.ok(line > 0, text);
    assert.deepEqual(await server.actions(workspace.uri, line + 1), []);
    assert.match(JSON.stringify(await server.hover(workspace.uri, line + 1)), /cannot be pruned/);
    await server.stop();
  });
});

/** As an editor applies them. */
const apply = (text: string, edits: readonly TextEdit[]): string =>
  TextDocument.applyEdits(TextDocument.create("kaibo:/a", "kaibo-listing", 1, text), [...edits]);
