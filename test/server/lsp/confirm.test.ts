import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { type CostAnswer, costRequest } from "#protocol/requests.ts";
import { TestServer } from "../../support/server.ts";
import { digitsWorkspace, type Workspace } from "../../support/workspace.ts";

describe("asking before a prune is written", function () {
  this.timeout(60_000);
  let workspace: Workspace;
  let server: TestServer;
  const start = async (settings: unknown, locale = "en") => {
    workspace = digitsWorkspace();
    server = await TestServer.start({ ...workspace, settings, locale });
  };
  afterEach(async () => {
    await server.stop();
    workspace.remove();
  });

  const save = async (...units: readonly number[]) => {
    const { text, revision } = await server.openReady(workspace);
    return server.save(workspace.model, without(text, units), revision);
  };

  it("says what it costs, and writes nothing when the answer is no", async () => {
    await start({ confirmPrune: "always" });
    server.agrees = false;
    const before = readFileSync(workspace.model);
    await assert.rejects(save(7), /not accepted/);
    assert.deepEqual(readFileSync(workspace.model), before);
    const [question] = server.asked;
    assert.match(question!.message, /^Prune 1 unit of conv1\?/);
    for (const fact of [
      /^accuracy 0\.9950 → 0\.\d{4}$/m,
      /^parameters [\d,]+ → [\d,]+$/m,
      /^milliseconds per sample [\d.]+ → [\d.]+$/m,
    ])
      assert.match(question!.detail, fact);
  });

  it("asks when accuracy falls below the guard, and only then", async () => {
    await start({ accuracyGuard: 0.005 });
    const { pruned } = await save(0, 1, 2, 3, 5, 6);
    assert.ok(pruned!.accuracy!.before - pruned!.accuracy!.after > 0.005);
    assert.match(server.asked[0]!.message, /Accuracy drops by more than 0\.5 points/);
  });

  it("asks nothing when told never to", async () => {
    await start({ confirmPrune: "never" });
    const { pruned } = await save(0, 1, 2, 3, 5, 6);
    assert.ok(pruned!.accuracy!.after < 0.95);
    assert.equal(pruned!.latency, undefined);
    assert.deepEqual(server.asked, []);
  });

  it("tells before saving what saving would cost", async () => {
    await start({});
    const { uri } = workspace;
    const { text } = await server.openReady(workspace);
    const ask = () => server.request<CostAnswer>(costRequest, { uri });
    await assert.rejects(ask(), /nothing is deleted/);
    const before = readFileSync(workspace.model);
    await server.change(uri, without(text, [0, 1, 2, 3, 5, 6]));
    const { cost, message, detail } = await ask();
    assert.equal(message, "What pruning 6 units of conv1 would change");
    assert.match(detail, /^accuracy 0\.9950 → 0\.\d{4}$/m);
    assert.ok(cost.latency!.after > 0 && cost.macs!.after < cost.macs!.before);
    assert.deepEqual(readFileSync(workspace.model), before);
    const { pruned } = await server.save(
      workspace.model,
      without(text, [0, 1, 2, 3, 5, 6]),
      (await server.listing(workspace.model)).revision,
    );
    assert.deepEqual(pruned!.accuracy, cost.accuracy);
  });

  it("asks in Japanese", async () => {
    await start({ accuracyGuard: 0.005 }, "ja");
    await save(0, 1, 2, 3, 5, 6);
    assert.match(server.asked[0]!.message, /枝刈りしますか.*正解率/);
  });
});

/** The listing without some units of conv1. */
function without(text: string, units: readonly number[]): string {
  const lines = text.split("\n");
  const start = lines.findIndex((line) => line.startsWith("layer conv1"));
  const end = lines.findIndex((line, i) => i > start && line.startsWith("layer "));
  const gone = units.map((u) => new RegExp(`^ +unit ${u}\\b`));
  return lines
    .filter((line, i) => i < start || i >= end || !gone.some((g) => g.test(line)))
    .join("\n");
}
