import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import type { PlanFile } from "#core/prune/planFile/planFile.ts";
import {
  type ExportedPlan,
  exportPlanRequest,
  type ImportedPlan,
  importPlanRequest,
  type UnitLines,
  unitLinesRequest,
} from "#protocol/requests.ts";
import { TestServer } from "../../support/server.ts";
import { digitsWorkspace, type Workspace } from "../../support/workspace.ts";

describe("prune plans in the editor", function () {
  this.timeout(60_000);
  let workspace: Workspace;
  let server: TestServer;
  let text: string;
  before(async () => {
    workspace = digitsWorkspace({ kaiboJson: false });
    server = await TestServer.start(workspace);
    ({ text } = await server.listing(workspace.model));
    await server.open(workspace.uri, text);
  });
  after(async () => {
    await server.stop();
    workspace.remove();
  });
  afterEach(() => server.change(workspace.uri, text));

  /** The text without the lines of some units of a layer. */
  const without = (layer: string, ...units: number[]): string => {
    const lines = text.split("\n");
    const heading = lines.findIndex((line) => line.startsWith(`layer ${layer} `));
    return lines.filter((_, i) => !units.includes(i - heading - 1)).join("\n");
  };
  const exported = (uri = workspace.uri) =>
    server.request<ExportedPlan>(exportPlanRequest, { uri });
  const imported = (plan: string, model = workspace.model) =>
    server.request<ImportedPlan>(importPlanRequest, { model, plan });

  it("hold what is deleted in the unsaved listing; the model stays", async () => {
    const before = readFileSync(workspace.model);
    await server.change(workspace.uri, without("conv2", 3, 5));
    const plan = JSON.parse((await exported()).text!) as PlanFile;
    assert.deepEqual(plan.units, [{ layer: "conv2", units: [3, 5], of: 16 }]);
    assert.ok(plan.tensors!.some((t) => t.tensor === "conv2.weight" && t.axis === 0));
    assert.deepEqual(Object.keys(plan.cost!), ["parameters", "macs", "bytes"]);
    assert.ok(readFileSync(workspace.model).equals(before));
  });

  it("are none where nothing is deleted, and refused where saving would be", async () => {
    assert.deepEqual(await exported(), {});
    await server.change(workspace.uri, `${text}\nnonsense`);
    await assert.rejects(exported(), /not a line of a listing/);
    await assert.rejects(exported("kaibo:/nowhere.onnx.nnl"), /no listing is open/);
  });

  it("come back as the lines that were deleted", async () => {
    await server.change(workspace.uri, without("conv1", 0, 7));
    const file = workspace.file("a.kaibo-plan.json");
    writeFileSync(file, (await exported()).text!);
    await server.change(workspace.uri, text);
    const { units, other } = await imported(file);
    assert.deepEqual(
      { units: units.map(({ layer, units: own }) => [layer, own]), other },
      { units: [["conv1", [0, 7]]], other: false },
    );
    const { lines } = await server.request<UnitLines>(unitLinesRequest, {
      uri: workspace.uri,
      units,
    });
    const left = text.split("\n").filter((_, i) => !lines.includes(i));
    assert.equal(left.join("\n"), without("conv1", 0, 7));
  });

  it("bring coupled units along, and say when they were made for another file", async () => {
    const model = resolve("test/fixtures/plans/model.script.onnx");
    const file = workspace.file("b.kaibo-plan.json");
    const plan = {
      version: 1,
      model: { name: "old.onnx", sha256: "0".repeat(64) },
      units: [{ layer: "block.conv2", units: [1], of: 8 }],
    };
    writeFileSync(file, JSON.stringify(plan));
    const found = await imported(file, model);
    assert.equal(found.other, true);
    const layers = found.units.map(({ layer, units }) => `${layer} ${units}`);
    assert.deepEqual(layers, ["block.conv2 1", "stem 1", "down.0 1"]);
  });

  it("are refused with the place of what is wrong", async () => {
    const file = workspace.file("c.kaibo-plan.json");
    writeFileSync(file, JSON.stringify({ version: 1, units: [{ layer: "conv1", units: [-1] }] }));
    await assert.rejects(
      imported(file),
      /c\.kaibo-plan\.json, \/units\/0\/units\/0: expected an index/,
    );
    await assert.rejects(imported(workspace.file("none.json")), /cannot be read/);
  });
});
