import assert from "node:assert/strict";
import { copyFileSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { CodeAction, Diagnostic, TextEdit } from "vscode-languageserver-protocol";
import { TextDocument } from "vscode-languageserver-textdocument";
import { kaibo } from "../../support/kaibo.ts";
import { TestServer } from "../../support/server.ts";
import { digitsWorkspace, type Workspace } from "../../support/workspace.ts";

const fixture = (path: string): string =>
  fileURLToPath(new URL(`../../fixtures/pytorchModels/${path}`, import.meta.url));

/** conv1 (6 units) goes together with the last convolutions of two blocks. */
const STREAM = ["conv1", "layer1.0.conv2", "layer1.1.conv2"] as const;

describe("coupled units in the editor", function () {
  this.timeout(60_000);
  let workspace: Workspace;
  let server: TestServer;
  let text: string;
  let revision: string;
  before(async () => {
    workspace = digitsWorkspace({ kaiboJson: false });
    copyFileSync(fixture("residual.script.onnx"), workspace.model);
    server = await TestServer.start(workspace);
    ({ text, revision } = await server.listing(workspace.model));
    await server.open(workspace.uri, text);
  });
  after(async () => {
    await server.stop();
    workspace.remove();
  });
  afterEach(() => server.change(workspace.uri, text));

  /** The listing without the lines of some units: "conv1/1". */
  const without = (...units: readonly string[]): string => {
    const gone = new Set(units.map((u) => lineOf(text, u)));
    return text
      .split("\n")
      .filter((_, i) => !gone.has(i))
      .join("\n");
  };
  const coupled = async (edited: string): Promise<Diagnostic[]> =>
    (await server.change(workspace.uri, edited)).filter(({ code }) => code === "coupled-unit");
  const edited = async (before: string, action: CodeAction | undefined): Promise<string> =>
    apply(before, await server.resolve(action!, workspace.uri));

  it("are named in the headings and the hover", async () => {
    assert.match(
      text,
      /^layer conv1 .*units go together with layer1\.0\.conv2, layer1\.1\.conv2$/m,
    );
    const hover = JSON.stringify(await server.hover(workspace.uri, lineOf(text, "conv1/3")));
    assert.match(
      hover.replaceAll("\\", ""),
      /goes together with layer1.0.conv2\/3, layer1.1.conv2\/3/,
    );
  });

  it("must go together: errors at the other lines lead to where the first one stood", async () => {
    const fewer = without("conv1/1");
    const errors = await coupled(fewer);
    assert.deepEqual(
      errors.map(({ range, severity }) => [range.start.line, severity]),
      STREAM.slice(1).map((layer) => [lineOf(fewer, `${layer}/1`), 1]),
    );
    assert.match(
      String(errors[0]?.message),
      /^unit 1 of layer1\.0\.conv2 goes together with unit 1 of conv1/,
    );
    const [related] = errors[0]!.relatedInformation!;
    assert.equal(related?.location.uri, workspace.uri);
    assert.equal(related?.location.range.start.line, lineOf(fewer, "conv1/0"));
    assert.equal(related?.message, "unit 1 of conv1: deleted below this line");
  });

  it("have a quick fix that deletes the others", async () => {
    const fewer = without("conv1/1");
    const errors = await coupled(fewer);
    const line = lineOf(fewer, "layer1.1.conv2/1");
    const [fix, ...others] = await server.actions(workspace.uri, line, { diagnostics: errors });
    assert.equal(fix?.title, "Delete the 2 coupled lines");
    assert.equal(fix?.kind, "quickfix");
    assert.equal(fix?.isPreferred, true);
    assert.deepEqual(fix?.diagnostics, [errors[1]]);
    assert.ok(others.every(({ title }) => !title.startsWith("Delete")));
    const all = STREAM.map((layer) => `${layer}/1`);
    assert.equal(await edited(fewer, fix), without(...all));
    assert.deepEqual(await coupled(without(...all)), []);
  });

  it("have one for all groups that are left behind", async () => {
    const fewer = without("conv1/1", "conv1/4", "layer2.0.conv2/7");
    await coupled(fewer);
    const line = lineOf(fewer, "layer2.0.downsample.0/7");
    const [own, all] = await server.actions(workspace.uri, line);
    assert.equal(own?.title, "Delete the coupled line");
    assert.equal(all?.title, "Delete all 5 coupled lines");
    const deleted = await edited(fewer, all);
    assert.deepEqual(await coupled(deleted), []);
    const lines = (t: string) => t.split("\n").length;
    assert.equal(lines(text) - lines(deleted), 3 + 5);
  });

  it("are pruned as whole groups by every action", async () => {
    const [unit] = await server.actions(workspace.uri, lineOf(text, "layer1.0.conv2/2"));
    assert.equal(unit?.title, "Prune unit 2 of layer1.0.conv2 with 2 coupled units");
    assert.equal(await edited(text, unit), without(...STREAM.map((layer) => `${layer}/2`)));
    const lines = [lineOf(text, "conv1/0"), lineOf(text, "conv1/2")] as const;
    const [selected] = await server.actions(workspace.uri, lines);
    assert.equal(selected?.title, "Prune the 3 selected units of conv1 with 6 coupled units");
    const all = STREAM.flatMap((layer) => [0, 1, 2].map((u) => `${layer}/${u}`));
    assert.equal(await edited(text, selected), without(...all));
  });

  it("are not saved in part: the line is named; as a whole they are what the command line cuts", async () => {
    const fewer = without("conv1/1");
    const line = lineOf(fewer, "layer1.0.conv2/1") + 1;
    await assert.rejects(
      server.save(workspace.model, fewer, revision),
      (error: Error) =>
        error.message.includes(`line ${line}`) && error.message.includes("goes together with"),
    );
    const other = workspace.file("cli.onnx");
    const cut = await kaibo(["prune", workspace.model, "--unit", "conv1/1", "-o", other]);
    assert.equal(cut.code, 0, cut.stderr);
    const whole = without(...STREAM.map((layer) => `${layer}/1`));
    const { pruned } = await server.save(workspace.model, whole, revision);
    assert.deepEqual(
      pruned?.removed,
      STREAM.map((layer) => ({ layer, units: [1] })),
    );
    assert.deepEqual(readFileSync(workspace.model), readFileSync(other));
  });
});

describe("coupled units in Japanese", function () {
  this.timeout(60_000);
  const workspace = digitsWorkspace({ kaiboJson: false });
  after(() => workspace.remove());

  it("are told and fixed in Japanese", async () => {
    copyFileSync(fixture("residual.script.onnx"), workspace.model);
    const server = await TestServer.start({ ...workspace, locale: "ja" });
    const { text } = await server.listing(workspace.model);
    await server.open(workspace.uri, text);
    const fewer = text.split("\n").toSpliced(lineOf(text, "conv1/1"), 1).join("\n");
    const errors = await server.change(workspace.uri, fewer);
    const [first] = errors.filter(({ code }) => code === "coupled-unit");
    assert.match(
      String(first?.message),
      /^layer1\.0\.conv2 のユニット 1 は、削除済みの conv1 のユニット 1 と一組/,
    );
    const titles = (await server.actions(workspace.uri, first!.range.start.line)).map(
      (a) => a.title,
    );
    assert.ok(titles.includes("一組の 2 行を削除"), titles.join());
    const [prune] = await server.actions(workspace.uri, lineOf(fewer, "conv1/2"));
    assert.equal(prune?.title, "conv1 のユニット 2 を枝刈り（一組の 2 ユニットも）");
    await server.stop();
  });
});

function lineOf(text: string, unit: string): number {
  const [, layer, number] = /^(.*)\/(\d+)$/.exec(unit)!;
  const lines = text.split("\n");
  const heading = lines.findIndex((l) => l.startsWith(`layer ${layer} `));
  const line = lines.findIndex((l, i) => i > heading && new RegExp(`^ +unit ${number}\\b`).test(l));
  assert.ok(heading >= 0 && line > heading, unit);
  return line;
}

/** As an editor applies them. */
const apply = (text: string, edits: readonly TextEdit[]): string =>
  TextDocument.applyEdits(TextDocument.create("kaibo:/a", "kaibo-listing", 1, text), [...edits]);
