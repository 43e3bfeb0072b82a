import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { CancellationTokenSource } from "vscode-jsonrpc/node";
import {
  commands,
  type GuardAnswer,
  type GuardParams,
  guardRequest,
  type SaveResult,
  saveRequest,
} from "#protocol/requests.ts";
import { TestServer } from "../../support/server.ts";
import { digitsWorkspace, type Workspace } from "../../support/workspace.ts";

describe("pruning within the accuracy guard", function () {
  this.timeout(120_000);
  let workspace: Workspace;
  let server: TestServer;
  let text: string;
  let revision: string;
  const start = async (fields: object, more: object = {}, made = digitsWorkspace()) => {
    workspace = made;
    workspace.config({ ...fields });
    server = await TestServer.start({ ...workspace, ...more });
    ({ text, revision } = await server.openReady(workspace));
  };
  afterEach(async () => {
    await server.stop();
    workspace.remove();
  });

  const ask = (more: Partial<GuardParams> = {}) =>
    server.request<GuardAnswer>(guardRequest, { uri: workspace.uri, ...more });
  const without = (lines: readonly number[]) =>
    text
      .split("\n")
      .filter((_, i) => !lines.includes(i))
      .join("\n");
  const heading = (layer: string) =>
    text.split("\n").findIndex((line) => line.startsWith(`layer ${layer} `));

  it("takes what saving then finds to be within it, and nobody is asked", async () => {
    await start({ accuracyGuard: 0.02 }, { settings: { confirmPrune: "whenWorse" } });
    const found = await ask({ workDoneToken: "mine" });
    assert.equal(found.drop, 0.02);
    assert.ok(found.groups > 0 && found.groups === found.lines.length);
    assert.ok(found.accuracy.before - found.accuracy.after <= 0.02 + 1e-9);
    assert.match(
      found.message,
      /^Deleted the lines of \d+ units: without them accuracy is 0\.9\d{3}, \d\.\d\d points below 0\.9950/,
    );
    const told = server.said
      .filter(({ method }) => method === "$/progress")
      .map(({ params }) => params as { token: unknown; value: { percentage?: number } })
      .flatMap(({ token, value }) => (token === "mine" ? (value.percentage ?? []) : []));
    assert.ok(told.length > 1 && told.every((share, i) => share >= (told[i - 1] ?? 0)));
    const { pruned } = await server.request<SaveResult>(saveRequest, {
      model: workspace.model,
      text: without(found.lines),
      revision,
    });
    assert.ok(pruned?.accuracy && pruned.accuracy.before - pruned.accuracy.after <= 0.02 + 1e-9);
    assert.equal(pruned.accuracy.before, found.accuracy.before);
    assert.ok(!server.asked.some(({ message }) => /Accuracy drops/.test(message)));
  });

  it("takes the units of one layer only, where that is asked; the same answer comes at once", async () => {
    await start({});
    const found = await ask({ layer: "conv2" });
    const from = heading("conv2");
    assert.ok(found.lines.length > 0 && found.lines.every((l) => l > from && l <= from + 16));
    assert.match(found.message, / of conv2: without them/);
    const since = server.now;
    assert.deepEqual(await ask({ layer: "conv2", workDoneToken: "again" }), found);
    const reports = server.said
      .slice(since)
      .filter(({ params }) => (params as { value?: { kind?: string } }).value?.kind === "report");
    assert.deepEqual(reports, []);
  });

  it("is a command for any editor: it applies the edit and says what came of it", async () => {
    await start({}, { locale: "ja" });
    const actions = await server.actions(workspace.uri, 0);
    const action = actions.find(({ command }) => command?.command === commands.pruneWithinGuard);
    assert.equal(action?.title, "正解率の低下が 0.5 ポイント以内に収まる最大限の枝刈り");
    const { command, arguments: args } = action.command!;
    await server.request("workspace/executeCommand", { command, arguments: args });
    const { lines, message } = await ask();
    assert.deepEqual(
      server.edits.map((edit) => edit[workspace.uri]?.map(({ range }) => range.start.line)),
      [lines],
    );
    const said = await server.next<{ message: string }>("window/showMessage");
    assert.equal(said.message, message);
    assert.match(message, /ユニットの行を削除しました。正解率は 0\.9950 から 0\.99\d\d になります/);
  });

  it("is offered for the model and for layers whose units can go, as long as nothing is deleted", async () => {
    await start({});
    const offered = async (line: number) =>
      (await server.actions(workspace.uri, line)).flatMap(({ title, command }) =>
        command?.command === commands.pruneWithinGuard ? [title] : [],
      );
    assert.deepEqual(await offered(0), ["Prune as much as keeps accuracy within 0.5 points"]);
    assert.deepEqual(await offered(heading("conv1")), [
      "Prune as much of conv1 as keeps accuracy within 0.5 points",
    ]);
    assert.deepEqual(await offered(heading("conv1") + 1), []);
    assert.deepEqual(await offered(heading("fc2")), []);
    await server.change(workspace.uri, without([heading("conv1") + 1]));
    assert.deepEqual(await offered(0), []);
    await assert.rejects(ask(), /unsaved edits: save or revert them first/);
  });

  it("says so where nothing can go, and deletes nothing", async () => {
    await start({ accuracyGuard: 0 });
    const found = await ask({ layer: "conv1" });
    assert.deepEqual([found.groups, found.lines], [0, []]);
    assert.equal(
      found.message,
      "No unit of conv1 can go while accuracy stays within 0 points of 0.9950.",
    );
  });

  it("refuses a listing that is edited meanwhile, and ends when it is cancelled", async () => {
    await start({ data: "many-images-idx3-ubyte" }, {}, digitsWorkspace({ times: 20 }));
    const source = new CancellationTokenSource();
    const cancelled = server.connection.sendRequest(
      guardRequest,
      { uri: workspace.uri, workDoneToken: "stop" },
      source.token,
    );
    await server.next<{ token?: unknown }>("$/progress", ({ token }) => token === "stop");
    source.cancel();
    await assert.rejects(cancelled, /cancelled/);

    const since = server.now;
    const asked = ask({ layer: "conv2", workDoneToken: "edit" });
    await server.next<{ token?: unknown }>("$/progress", ({ token }) => token === "edit", since);
    await server.change(workspace.uri, without([heading("conv1") + 1]));
    await assert.rejects(asked, /edited meanwhile/);
  });

  it("needs data with labels", async () => {
    await start({});
    const nothing = { models: [] };
    writeFileSync(workspace.file("kaibo.json"), JSON.stringify(nothing));
    await server.watched(`file://${workspace.file("kaibo.json")}`);
    await assert.rejects(ask(), /there is no data for this model; name it in kaibo\.json/);
  });
});
