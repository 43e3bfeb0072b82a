import assert from "node:assert/strict";
import { type Diagnostic, DiagnosticSeverity, DiagnosticTag } from "vscode-languageserver-protocol";
import { fixture } from "../../support/fixture.ts";
import { TestServer } from "../../support/server.ts";
import { digitsWorkspace, type Workspace } from "../../support/workspace.ts";

describe("diagnostics of a listing", function () {
  this.timeout(60_000);
  let workspace: Workspace;
  let server: TestServer;
  let text: string;
  before(async () => {
    workspace = digitsWorkspace();
    // 0.1 × 0.3600 = 0.0360: only unit 13 of conv2 (0.0258) is below it.
    workspace.config({ lowImportance: 0.1 });
    server = await TestServer.start(workspace);
    ({ text } = await server.openReady(workspace));
  });
  after(async () => {
    await server.stop();
    workspace.remove();
  });

  it("mark what was found under the facts of the unit", async () => {
    const published = await server.change(workspace.uri, text);
    check(
      text,
      published,
      `
layer conv2  Conv 3x3  8 -> 16  Relu   # 1,168 parameters
#     ^^^^^ information: low-importance`,
    );
    check(
      text,
      published,
      `
  unit 12   importance 0.1120   contribution 0.062                     active 0.61
  unit 13   importance 0.0258   contribution 0.018                     active 0.38   # low importance (rank 16 of 16)
# ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ hint: low-importance
  unit 14   importance 0.1139   contribution 0.058                     active 0.39`,
    );
    check(
      text,
      published,
      `
layer fc1  Gemm  400 -> 32  Relu   # 12,832 parameters
  unit 0    importance 0.0000   contribution 0.000                     active 0.00   # never active
# ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ warning: dead-unit
  unit 1    importance 0.2525   contribution 0.055   classes 1 3 7 9   active 0.79`,
    );
    assert.ok(published.every(({ source }) => source === "Kaibo"));
  });

  it("fade units of low importance and say their rank", async () => {
    const published = await server.change(workspace.uri, text);
    const [low] = published.filter(isHint);
    assert.deepEqual(low?.tags, [DiagnosticTag.Unnecessary]);
    assert.match(String(low?.message), /16 of 16/);
  });

  it("warn of every dead unit, without fading it", async () => {
    const published = await server.change(workspace.uri, text);
    const lines = text.split("\n");
    const dead = published.filter(({ code }) => code === "dead-unit");
    assert.equal(dead.length, lines.filter((line) => line.includes("# never active")).length);
    assert.equal(dead.length, 13);
    for (const { range, severity, tags } of dead) {
      assert.match(lines[range.start.line]!, /active 0\.00 {3}# never active$/);
      assert.equal(severity, DiagnosticSeverity.Warning);
      assert.equal(tags, undefined);
    }
  });

  it("say nothing of a unit whose line is gone", async () => {
    const fewer = text.replace(/^ {2}unit 13 .*low importance.*\n/m, "");
    const published = await server.change(workspace.uri, fewer);
    assert.deepEqual(
      published.filter(({ code }) => code !== "dead-unit"),
      [],
    );
  });

  it("follow the units when lines are added above them", async () => {
    const longer = `# mine\n${text}`;
    const [low] = (await server.change(workspace.uri, longer)).filter(isHint);
    assert.match(longer.split("\n")[low!.range.start.line]!, /^ {2}unit 13 .*# low importance/);
  });

  it("say what is wrong with an edit where it is", async () => {
    const annotated = text
      .replace(/^(layer conv1 .*)$/m, "$1\n  mistake\n# ^^^^^^^ error: unreadable-line")
      .replace(
        /^( {2}unit 4 {3}importance )0\.0831(.*)$/m,
        "$1X.0831$2\n#                     ^^^^^^ error: changed-text",
      )
      .replace(/^(layer fc2 .*)\n {2}unit 0 .*$/m, "$1\n#     ^^^ error: output-layer");
    const { text: edited, expected } = fixture(annotated);
    const published = await server.change(workspace.uri, edited);
    const wrong = published.filter(({ severity }) => severity === DiagnosticSeverity.Error);
    assert.deepEqual(wrong.map(labelled), expected);
  });

  it("are taken back when the listing is closed, and come again with it", async () => {
    const { uri } = workspace;
    const before = await server.change(uri, text);
    const since = server.now;
    await server.notify("textDocument/didClose", { textDocument: { uri } });
    assert.deepEqual(await server.diagnostics(uri, undefined, since), []);
    assert.deepEqual(await server.open(uri, text), before);
  });

  it("of the same text in a document that is no listing are none", async () => {
    assert.deepEqual(await server.open("untitled:Untitled-1", text), []);
    assert.deepEqual(await server.open("no address", text), []);
  });
});

/** A part of the text with marks: these diagnostics stand there and no others. */
function check(text: string, published: readonly Diagnostic[], annotated: string): void {
  const part = fixture(annotated);
  const length = part.text.split("\n").length;
  const at = text.split(part.text);
  assert.equal(at.length, 2, `the part stands once in\n${text}`);
  const first = at[0]!.split("\n").length - 1;
  const there = published
    .map(labelled)
    .map((d) => ({ ...d, line: d.line - first }))
    .filter(({ line }) => line >= 0 && line < length);
  assert.deepEqual(there, part.expected);
}

function labelled({ range: { start, end }, severity, code }: Diagnostic) {
  assert.equal(start.line, end.line);
  const label = `${["", "error", "warning", "information", "hint"][severity ?? 0]}: ${code}`;
  return { line: start.line, from: start.character, to: end.character, label };
}

const isHint = ({ severity }: Diagnostic): boolean => severity === DiagnosticSeverity.Hint;
