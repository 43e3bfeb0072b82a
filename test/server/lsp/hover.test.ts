import assert from "node:assert/strict";
import { type Hover, MarkupContent } from "vscode-languageserver-protocol";
import { TestServer } from "../../support/server.ts";
import { digitsWorkspace, type Workspace } from "../../support/workspace.ts";

describe("hover over a unit", function () {
  this.timeout(60_000);
  let workspace: Workspace;
  let server: TestServer;
  let lines: readonly string[];
  before(async () => {
    workspace = digitsWorkspace();
    workspace.config({ classes: ["<zero>", "one", "2", "3", "4", "5", "6", "7", "8", "9"] });
    server = await TestServer.start(workspace);
    lines = (await server.openReady(workspace)).text.split("\n");
  });
  after(async () => {
    await server.stop();
    workspace.remove();
  });

  const lineOf = (layer: string, unit: number): number =>
    lines.findIndex((line) => line.startsWith(`layer ${layer} `)) + 1 + unit;
  const at = (layer: string, unit: number) => server.hover(workspace.uri, lineOf(layer, unit));

  it("says its importance, rank and how often it is active", async () => {
    const text = markdown(await at("conv1", 4));
    assert.match(text, /\*\*conv1 \/ unit 4\*\*/);
    assert.match(text, /importance \*\*0\.0831\*\*, rank 8 of 8 \(18\s?% of the largest\)/);
    assert.match(text, /active on 50\s?% of 200 samples/);
    assert.match(text, /contribution|contributes/);
  });

  it("shows its contribution per class and its kernel as pictures", async () => {
    const drawn = pictures(markdown(await at("conv1", 0)));
    assert.equal(drawn.length, 2);
    for (const svg of drawn) assert.match(svg, /^<svg [\s\S]*<\/svg>$/);
    assert.match(drawn[0]!, /&#60;zero&#62;/);
    assert.match(drawn[1]!, /aria-label=/);
  });

  it("draws the weights of a dense unit too", async () => {
    assert.equal(pictures(markdown(await at("fc1", 1))).length, 2);
  });

  it("is for the facts of the line", async () => {
    const { range } = (await at("conv1", 4))!;
    const line = lineOf("conv1", 4);
    assert.deepEqual(range, {
      start: { line, character: 2 },
      end: { line, character: lines[line]!.replace(/\s*#.*$/, "").length },
    });
  });

  it("is there for output units", async () => {
    assert.match(markdown(await at("fc2", 9)), /\*\*fc2 \/ unit 9\*\*/);
  });

  it("is nothing where there is no unit", async () => {
    for (const line of [0, 1, 2, lineOf("conv1", -1), lines.length + 5])
      assert.equal(await server.hover(workspace.uri, line), null);
    assert.equal(await server.hover("kaibo:/nowhere.onnx.nnl", 3), null);
  });

  it("follows the unit when lines above it are deleted", async () => {
    const fewer = lines.filter((_, i) => i !== lineOf("conv1", 2));
    await server.change(workspace.uri, fewer.join("\n"));
    assert.match(
      markdown(await server.hover(workspace.uri, lineOf("conv1", 3))),
      /conv1 \/ unit 4/,
    );
    await server.change(workspace.uri, lines.join("\n"));
  });
});

describe("hover without results", function () {
  this.timeout(60_000);
  const workspace = digitsWorkspace({ kaiboJson: false });
  after(() => workspace.remove());

  it("shows the kernel and says that there are none", async () => {
    const server = await TestServer.start(workspace);
    const { text } = await server.listing(workspace.model);
    await server.open(workspace.uri, text);
    const line = text.split("\n").findIndex((l) => l.startsWith("  unit 0"));
    const shown = markdown(await server.hover(workspace.uri, line));
    assert.match(shown, /no results/);
    assert.equal(pictures(shown).length, 1);
    await server.stop();
  });
});

function markdown(hover: Hover | null): string {
  assert.ok(hover !== null && MarkupContent.is(hover.contents));
  assert.equal(hover.contents.kind, "markdown");
  return hover.contents.value;
}

/** The SVG texts of the pictures. */
const pictures = (text: string): string[] =>
  [...text.matchAll(/data:image\/svg\+xml(;base64)?[^,]*,([^)\s]*)/g)].map(([, base64, data]) =>
    base64 === undefined
      ? decodeURIComponent(data!)
      : Buffer.from(data!, "base64").toString("utf8"),
  );
