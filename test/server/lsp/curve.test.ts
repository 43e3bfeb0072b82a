import assert from "node:assert/strict";
import { copyFileSync } from "node:fs";
import {
  type CurveQuestion,
  factsRequest,
  type ModelFacts,
  type RemovalCurveAnswer,
  removalCurveRequest,
  type UnitLines,
  unitLinesRequest,
} from "#protocol/requests.ts";
import { pytorchFile } from "../../support/pytorch.ts";
import { TestServer } from "../../support/server.ts";
import { digitsWorkspace, type Workspace } from "../../support/workspace.ts";

const question: CurveQuestion = {
  removes: "units",
  layers: ["conv2"],
  criterion: "importance",
  orders: ["ascending", "descending"],
  retrain: false,
};

describe("removal curves over the language server", function () {
  this.timeout(90_000);
  let workspace: Workspace;
  let server: TestServer;
  before(async () => {
    workspace = digitsWorkspace();
    server = await TestServer.start(workspace);
    await server.openReady(workspace);
  });
  after(async () => {
    await server.stop();
    workspace.remove();
  });

  const ask = (asked: CurveQuestion, more: object = {}) =>
    server.request<RemovalCurveAnswer | null>(removalCurveRequest, {
      model: workspace.model,
      question: asked,
      stored: false,
      ...more,
    });
  const facts = () => server.request<ModelFacts>(factsRequest, { model: workspace.model });

  it("say first which layers there are, and which data", async () => {
    const { layers, data, train } = await facts();
    assert.deepEqual(
      layers.map(({ name, units, prunable }) => [name, units, prunable]),
      [
        ["conv1", 8, true],
        ["conv2", 16, true],
        ["fc1", 32, true],
        ["fc2", 10, false],
      ],
    );
    assert.equal(data, "mnist200-images-idx3-ubyte.gz");
    assert.equal(train, undefined);
  });

  it("are computed with progress, once, and stored by content", async () => {
    assert.equal(await ask(question, { stored: true }), null);
    const since = server.now;
    const answer = await ask(question, { workDoneToken: "mine" });
    const { curve, revision } = answer!;
    assert.equal(revision, (await facts()).revision);
    assert.deepEqual(
      curve.series.map(({ order }) => order),
      ["ascending", "descending"],
    );
    assert.equal(curve.baseline, 0.995);
    for (const { points } of curve.series)
      assert.deepEqual([points[0]!.removed, points[0]!.accuracy], [0, curve.baseline]);
    assert.ok(curve.series[0]!.area > curve.series[1]!.area);
    const reports = server.said
      .slice(since)
      .filter(({ method }) => method === "$/progress")
      .map(({ params }) => params as { token: unknown; value: { kind: string } });
    assert.ok(reports.every(({ token }) => token === "mine"));
    assert.deepEqual(
      [reports.at(0)?.value.kind, reports.some(({ value }) => value.kind === "report")],
      ["begin", true],
    );
    assert.equal(reports.at(-1)?.value.kind, "end");
    assert.deepEqual(await ask(question, { stored: true }), answer);
    assert.equal(await ask({ ...question, orders: ["random"] }, { stored: true }), null);
  });

  it("name the lines of what a point removes, as the listing is in the editor", async () => {
    const { text } = await server.listing(workspace.model);
    const lines = text.split("\n");
    const at = lines.findIndex((line) => line.startsWith("layer conv2"));
    const edited = lines.toSpliced(at + 1, 1).join("\n");
    await server.change(workspace.uri, edited);
    const units = [{ layer: "conv2", units: [0, 1, 2, 15, 99] }];
    const found = await server.request<UnitLines>(unitLinesRequest, { uri: workspace.uri, units });
    const now = edited.split("\n");
    const wanted = [...now.entries()]
      .filter(([line, it]) => line > at && line <= at + 15 && /^\s+unit (0|1|2|15)\b/.test(it))
      .map(([line]) => line);
    // The line that is gone already is none of them.
    assert.equal(wanted.length, 3);
    assert.deepEqual(found.lines, wanted);
    await server.change(workspace.uri, text);
    await assert.rejects(
      server.request(unitLinesRequest, { uri: "kaibo:/nowhere/x.onnx.nnl", units }),
      /no listing is open at kaibo:\/nowhere/,
    );
  });

  it("end when the request is cancelled, and the server goes on", async () => {
    const many = digitsWorkspace({ times: 50 });
    try {
      await server.listing(many.model);
      const { CancellationTokenSource } = await import("vscode-jsonrpc/node");
      const source = new CancellationTokenSource();
      const since = server.now;
      const answer = server.connection.sendRequest(
        removalCurveRequest,
        {
          model: many.model,
          question: { ...question, layers: [], orders: ["ascending", "random"] },
          stored: false,
          workDoneToken: "long",
        },
        source.token,
      );
      const refused = assert.rejects(answer, /cancelled/);
      await server.next("$/progress", (p: { token: unknown }) => p.token === "long", since);
      source.cancel();
      await refused;
      assert.ok(await ask(question));
    } finally {
      many.remove();
    }
  });

  it("are refused with a reason where data are missing", async () => {
    await assert.rejects(ask({ ...question, retrain: true }), /"train" in kaibo\.json/);
    workspace.config({ train: "train-images-idx3-ubyte.gz" });
    copyFileSync(
      pytorchFile("mnist200-images-idx3-ubyte.gz"),
      workspace.file("train-images-idx3-ubyte.gz"),
    );
    copyFileSync(
      pytorchFile("mnist200-labels-idx1-ubyte.gz"),
      workspace.file("train-labels-idx1-ubyte.gz"),
    );
    await server.watched(new URL("kaibo.json", `file://${workspace.model}`).href);
    assert.equal((await facts()).train, "train-images-idx3-ubyte.gz");
    const { curve } = (await ask({ ...question, orders: ["ascending"], retrain: true }))!;
    assert.deepEqual(
      curve.series.map(({ order, retrained }) => [order, retrained]),
      [
        ["ascending", false],
        ["ascending", true],
      ],
    );
    workspace.config({ data: undefined });
    await server.watched(new URL("kaibo.json", `file://${workspace.model}`).href);
    await assert.rejects(ask(question), /there is no data for this model; name it in kaibo\.json/);
    await assert.rejects(
      ask({ ...question, layers: ["nowhere"] }),
      /there is no data for this model/,
    );
  });
});
