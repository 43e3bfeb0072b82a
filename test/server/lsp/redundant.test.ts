import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import {
  type CodeAction,
  type Diagnostic,
  DiagnosticSeverity,
} from "vscode-languageserver-protocol";
import { TextDocument } from "vscode-languageserver-textdocument";
import { redundantModel } from "../../support/redundantModel.ts";
import { TestServer } from "../../support/server.ts";
import { digitsWorkspace, type Workspace } from "../../support/workspace.ts";

const EXACT = /duplicate-unit|constant-unit|dead-unit/;

describe("exactly redundant units in the editor", function () {
  this.timeout(60_000);
  let workspace: Workspace;
  let server: TestServer;
  let text: string;
  beforeEach(async () => {
    workspace = digitsWorkspace({ kaiboJson: false });
    writeFileSync(workspace.model, redundantModel());
  });
  afterEach(async () => {
    await server.stop();
    workspace.remove();
  });

  const lines = () => text.split("\n");
  const lineOf = (layer: string, unit: number): number =>
    lines().findIndex((line) => line.startsWith(`layer ${layer} `)) + 1 + unit;
  const isExact = ({ code }: Diagnostic) => EXACT.test(String(code));

  /** Opens the listing and waits for what is found in the background. */
  async function found(locale = "en"): Promise<Diagnostic[]> {
    server = await TestServer.start({ ...workspace, locale });
    const since = server.now;
    await server.listing(workspace.model);
    await server.next<{ model: string }>("kaibo/listingChanged", () => true, since);
    ({ text } = await server.listing(workspace.model));
    const first = await server.open(workspace.uri, text);
    const all = first.some(isExact)
      ? first
      : await server.diagnostics(workspace.uri, (d) => d.some(isExact), since);
    return all.filter(isExact);
  }

  it("are found without data, and told with what can be done", async () => {
    const shown = (await found()).map(({ range, code, message, severity }) => [
      range.start.line,
      code,
      message,
      severity,
    ]);
    const goes = "it can go without any change of the outputs";
    const { Warning } = DiagnosticSeverity;
    assert.deepEqual(shown, [
      [
        lineOf("conv", 2),
        "duplicate-unit",
        `gives what unit 1 gives, whatever the input; ${goes}`,
        Warning,
      ],
      [lineOf("conv", 5), "dead-unit", `gives 0, whatever the input; ${goes}`, Warning],
      [
        lineOf("fc1", 3),
        "duplicate-unit",
        `gives what unit 0 gives, whatever the input; ${goes}`,
        Warning,
      ],
      [lineOf("fc1", 4), "constant-unit", `gives 0.5, whatever the input; ${goes}`, Warning],
    ]);
    const titles = async (layer: string, unit: number) =>
      (await server.actions(workspace.uri, lineOf(layer, unit))).map((a) => a.title);
    assert.equal((await titles("conv", 2))[0], "Merge with unit 1 (exact)");
    assert.equal((await titles("fc1", 4))[0], "Remove (exact)");
    assert.equal((await titles("conv", 3))[0], "Prune unit 3 of conv");
  });

  it("are told in Japanese", async () => {
    const [first] = await found("ja");
    assert.equal(
      first?.message,
      "どの入力に対してもユニット 1 と同じ値を出力; 出力を一切変えずに除去できます",
    );
    const [action] = await server.actions(workspace.uri, lineOf("conv", 2));
    assert.equal(action?.title, "ユニット 1 に統合（厳密）");
  });

  it("go together by fix all, and the save makes up for them", async () => {
    await found();
    const only = { only: ["source.fixAll"] };
    const [all, ...others] = await server.actions(workspace.uri, 0, only);
    assert.deepEqual(
      [all?.title, all?.kind, others.length],
      ["Remove all 4 redundant units (exact)", "source.fixAll.kaibo", 0],
    );
    const usual = await server.actions(workspace.uri, lineOf("conv", 2));
    assert.ok(usual.every((a: CodeAction) => !a.kind?.startsWith("source")));
    const edits = await server.resolve(all!, workspace.uri);
    const document = TextDocument.create(workspace.uri, "kaibo-listing", 1, text);
    const edited = TextDocument.applyEdits(document, [...edits]);
    const gone = [lineOf("conv", 2), lineOf("conv", 5), lineOf("fc1", 3), lineOf("fc1", 4)];
    assert.equal(
      edited,
      lines()
        .filter((_, i) => !gone.includes(i))
        .join("\n"),
    );

    const { revision } = await server.listing(workspace.model);
    const { pruned } = await server.save(workspace.model, edited, revision);
    assert.deepEqual(pruned?.removed, [
      { layer: "conv", units: [2, 5] },
      { layer: "fc1", units: [3, 4] },
    ]);
    assert.ok(pruned!.maskedDifference! <= 1e-5);
  });

  it("have levels and are kept quiet like every finding", async () => {
    server = await TestServer.start({
      ...workspace,
      settings: { findings: { "duplicate-unit": "off", "constant-unit": "information" } },
    });
    const since = server.now;
    await server.listing(workspace.model);
    await server.next<{ model: string }>("kaibo/listingChanged", () => true, since);
    ({ text } = await server.listing(workspace.model));
    const first = await server.open(workspace.uri, text);
    const all = first.some(isExact)
      ? first
      : await server.diagnostics(workspace.uri, (d) => d.some(isExact), since);
    assert.deepEqual(
      all.filter(isExact).map(({ code, severity }) => [code, severity]),
      [
        ["dead-unit", DiagnosticSeverity.Warning],
        ["constant-unit", DiagnosticSeverity.Information],
      ],
    );
  });

  it("are known at once when the model is opened again", async () => {
    await found();
    await server.stop();
    server = await TestServer.start(workspace);
    const { text: again } = await server.listing(workspace.model);
    const first = await server.open(workspace.uri, again);
    assert.equal(first.filter(isExact).length, 4);
  });
});
