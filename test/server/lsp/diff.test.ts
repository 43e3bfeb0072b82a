import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { type DiffAnswer, diffRequest } from "#protocol/requests.ts";
import { kaibo } from "../../support/kaibo.ts";
import { TestServer } from "../../support/server.ts";
import { digitsWorkspace, type Workspace } from "../../support/workspace.ts";

describe("comparing models in the editor", function () {
  this.timeout(60_000);
  let workspace: Workspace;
  let smaller: string;
  before(async () => {
    workspace = digitsWorkspace({ kaiboJson: false });
    smaller = workspace.file("smaller.onnx");
    const units = ["--unit", "conv2/3", "--unit", "conv2/5"];
    const { code, stderr } = await kaibo(["prune", workspace.model, ...units, "-o", smaller]);
    assert.equal(code, 0, stderr);
  });
  after(() => workspace.remove());

  async function compared(after: string, locale = "en"): Promise<DiffAnswer> {
    const server = await TestServer.start({ ...workspace, locale });
    try {
      const before = workspace.model;
      return await server.request<DiffAnswer>(diffRequest, { before, after });
    } finally {
      await server.stop();
    }
  }

  const block = (text: string, layer: string): readonly string[] => {
    const [own = ""] = text.split(`layer ${layer} `).slice(1);
    return own.split(/\n\n/)[0]!.split("\n").slice(1);
  };

  it("has the units that stay on equal lines, and says where numbers are new", async () => {
    const { same, before, after } = await compared(smaller);
    assert.ok(!same);
    const units = Array.from({ length: 16 }, (_, u) => `  unit ${u}`);
    assert.deepEqual(block(before, "conv2"), units);
    assert.deepEqual(block(after, "conv2"), [
      "  # units 4, 6-15 have the numbers 3-13 now",
      ...units.filter((_, u) => u !== 3 && u !== 5),
    ]);
    assert.deepEqual(block(after, "conv1"), block(before, "conv1"));
    // What reads them lost inputs, and is the same for the rest.
    assert.deepEqual(block(after, "fc1"), block(before, "fc1"));
  });

  it("speaks Japanese", async () => {
    const { after } = await compared(smaller, "ja");
    assert.match(after, /# ユニット 4, 6-15 の現在の番号は 3-13$/m);
    assert.ok(!/have the numbers|parameters/.test(after));
  });

  it("says that a copy is the same", async () => {
    const copy = workspace.file("copy.onnx");
    writeFileSync(copy, readFileSync(workspace.model));
    assert.equal((await compared(copy)).same, true);
  });

  it("refuses what is no model with its name", async () => {
    const bad = workspace.file("bad.onnx");
    writeFileSync(bad, "no model");
    await assert.rejects(compared(bad), /bad\.onnx/);
  });
});
