import assert from "node:assert/strict";
import type { Diagnostic } from "vscode-languageserver-protocol";
import { TestServer } from "../../support/server.ts";
import { digitsWorkspace, type Workspace } from "../../support/workspace.ts";

describe("settings", function () {
  this.timeout(60_000);
  let workspace: Workspace;
  let server: TestServer;
  let text: string;
  before(async () => {
    workspace = digitsWorkspace();
    server = await TestServer.start({ ...workspace, settings: null });
    ({ text } = await server.openReady(workspace));
  });
  after(async () => {
    await server.stop();
    workspace.remove();
  });

  /** What is found after a change of settings, when the results are shown again. */
  async function found(settings: unknown): Promise<Diagnostic[]> {
    const since = server.now;
    await server.configure(settings);
    await server.status("ready", since);
    return server.change(workspace.uri, (await server.listing(workspace.model)).text);
  }

  it("are the usual ones without any", async () => {
    const codes = (await server.change(workspace.uri, text)).map(({ code }) => code);
    assert.deepEqual(new Set(codes), new Set(["dead-unit"]));
  });

  it("republish the diagnostics of open listings when they change", async () => {
    const since = server.now;
    await server.configure({ findings: { "dead-unit": "information" } });
    const again = await server.diagnostics(
      workspace.uri,
      (all) => all.filter(({ severity }) => severity === 3).length === 13,
      since,
    );
    assert.equal(again.length, 13);
    await server.status("ready", since);
    assert.ok(!server.states(since).includes("computing"), "results are not computed again");
  });

  it("turn a finding off, in the text too", async () => {
    // Dead units are then units of low importance.
    const off = { findings: { "dead-unit": "off", "low-importance": "off" } };
    assert.deepEqual(await found(off), []);
    const { text: without } = await server.listing(workspace.model);
    assert.doesNotMatch(without, /never active|low importance/);
  });

  it("choose the level of a finding", async () => {
    for (const [level, severity] of [
      ["error", 1],
      ["warning", 2],
      ["information", 3],
      ["hint", 4],
    ] as const) {
      const all = await found({ findings: { "dead-unit": level } });
      assert.deepEqual(new Set(all.map((d) => d.severity)), new Set([severity]));
    }
  });

  it("choose which importance is low, unless kaibo.json does", async () => {
    const low = (all: readonly Diagnostic[]) =>
      all.filter(({ code, tags }) => code === "low-importance" && tags !== undefined).length;
    assert.equal(low(await found({ lowImportance: 0.1 })), 1);
    assert.ok(low(await found({ lowImportance: 0.5 })) > 10);
    workspace.config({ lowImportance: 0.1 });
    assert.equal(low(await found({ lowImportance: 0.5 })), 1);
    workspace.config({});
  });

  it("limit the samples", async () => {
    const since = server.now;
    await server.configure({ sampleLimit: 50 });
    const { detail } = await server.status("ready", since);
    assert.match(detail, /^50 samples; accuracy /);
  });

  it("that make no sense are the usual ones", async () => {
    const strange = {
      engine: 5,
      processes: -1,
      sampleLimit: "all",
      lowImportance: "low",
      findings: { "dead-unit": "loud", "low-importance": null },
    };
    const all = await found(strange);
    assert.deepEqual(new Set(all.map(({ severity }) => severity)), new Set([2]));
    assert.equal(all.length, 13);
  });

  it("in kaibo.json suppress findings of a model, a layer or some units", async () => {
    for (const [suppress, left] of [
      [[{ finding: "dead-unit", layer: "fc1", units: [0, 2], because: "kept" }], 11],
      [[{ finding: "dead-unit", layer: "conv1" }], 13],
      [[{ finding: "dead-unit", layer: "fc1" }], 0],
      [[{ finding: "dead-unit" }], 0],
    ] as const) {
      workspace.config({ suppress });
      const all = await found({});
      assert.equal(all.length, left, JSON.stringify(suppress));
    }
    workspace.config({});
  });
});

describe("the display language", function () {
  this.timeout(60_000);
  const workspace = digitsWorkspace();
  after(() => workspace.remove());

  it("is Japanese where the editor's is", async () => {
    const server = await TestServer.start({ ...workspace, locale: "ja" });
    const { text } = await server.openReady(workspace);
    const [dead] = await server.change(workspace.uri, text);
    assert.match(String(dead?.message), /[ぁ-ん]/);
    assert.match(text, /パラメータ/);
    const line = text.split("\n").findIndex((l) => l.startsWith("  unit 0"));
    assert.match(JSON.stringify(await server.hover(workspace.uri, line)), /重要度/);
    await server.stop();
  });

  it("may be one that nobody knows", async () => {
    const server = await TestServer.start({ ...workspace, locale: "en_US.UTF-8" });
    const { text } = await server.openReady(workspace);
    assert.match(text, /14,538 parameters/);
    await server.stop();
  });
});
