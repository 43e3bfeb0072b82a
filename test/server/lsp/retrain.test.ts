import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { pathToFileURL } from "node:url";
import { CancellationTokenSource } from "vscode-jsonrpc/node";
import {
  type Retrained,
  type RetrainParams,
  retrainRequest,
  undoPruneRequest,
} from "#protocol/requests.ts";
import { TestServer } from "../../support/server.ts";
import { digitsWorkspace, type Workspace } from "../../support/workspace.ts";

const DIGITS = "mnist200-images-idx3-ubyte.gz";
/** Copies of them: what is held out is learnt, too. */
const MANY = "many-images-idx3-ubyte";

describe("training over the language server", function () {
  this.timeout(90_000);
  let workspace: Workspace;
  let server: TestServer;
  let original: Buffer;
  const start = async (made: Workspace, locale?: string) => {
    workspace = made;
    original = readFileSync(workspace.model);
    server = await TestServer.start({
      storage: workspace.storage,
      ...(locale === undefined ? {} : { locale }),
    });
  };
  afterEach(async () => {
    await server.stop();
    workspace.remove();
  });

  const ask = (more: Partial<RetrainParams> = {}) =>
    server.request<Retrained | null>(retrainRequest, {
      model: workspace.model,
      trainable: "head",
      epochs: 2,
      ...more,
    });
  const now = () => readFileSync(workspace.model);
  /** What is told of the progress with a token. */
  const told = (token: string, since = 0) =>
    server.said
      .slice(since)
      .filter(({ method }) => method === "$/progress")
      .map(({ params }) => params as { token: unknown; value: { kind: string; message?: string } })
      .filter((p) => p.token === token)
      .map(({ value }) => value);

  it("trains in place with progress, and undo brings the bytes back", async () => {
    await start(digitsWorkspace({ times: 4 }));
    workspace.config({ train: MANY });
    const { revision } = await server.openReady(workspace);
    const since = server.now;
    const found = await ask({ workDoneToken: "mine" });
    assert.ok(found?.accuracy && found.undo !== undefined && found.epoch > 0);
    assert.equal(found.data, MANY);
    assert.ok(found.accuracy.after >= 0.99 && found.loss.after <= found.loss.before);
    assert.equal(found.cancelled, false);
    assert.equal(now().length, original.length);
    assert.ok(!now().equals(original));
    const said = told("mine", since);
    assert.deepEqual([said.at(0)?.kind, said.at(-1)?.kind], ["begin", "end"]);
    const messages = said.map(({ message = "" }) => message);
    assert.ok(messages.some((m) => /^epoch 2 of 2: loss [\d.e-]+, accuracy [01]\.\d{4}/.test(m)));
    // The listing is of the trained model now.
    assert.notEqual((await server.listing(workspace.model)).revision, revision);
    await server.request(undoPruneRequest, { model: workspace.model, undo: found.undo });
    assert.ok(now().equals(original));
    assert.equal((await server.listing(workspace.model)).revision, revision);
    assert.deepEqual(
      readdirSync(dirname(workspace.model)).filter((f) => f.startsWith(".")),
      [],
    );
  });

  it("takes other data, prepared as those of kaibo.json; without labels for them it measures what it held out", async () => {
    await start(digitsWorkspace(), "ja");
    await assert.rejects(ask(), /no training data for this model; name it as "train" in kaibo/);
    const since = server.now;
    const found = await ask({ train: workspace.file(DIGITS), epochs: 1, workDoneToken: "ja" });
    assert.equal(found?.data, DIGITS);
    assert.ok(told("ja", since).some(({ message = "" }) => /^エポック 1 \/ 1: 損失/.test(message)));
    // The same digits under a name beside which there are no labels.
    writeFileSync(workspace.file("plain-idx3-ubyte.gz"), readFileSync(workspace.file(DIGITS)));
    workspace.config({ data: "plain-idx3-ubyte.gz", train: DIGITS });
    await server.watched(pathToFileURL(workspace.file("kaibo.json")).href);
    const heldOut = await ask({ epochs: 1 });
    assert.equal(heldOut?.data, undefined);
    assert.ok(heldOut?.accuracy !== undefined);
  });

  it("leaves a model alone that training makes no better", async () => {
    await start(digitsWorkspace());
    // The few that are held out are classified right already.
    workspace.config({ train: DIGITS });
    const found = await ask();
    assert.deepEqual([found?.epoch, found?.cancelled, found?.undo], [0, false, undefined]);
    assert.ok(now().equals(original));
    await assert.rejects(
      server.request(undoPruneRequest, { model: workspace.model }),
      /nothing was changed/,
    );
  });

  it("keeps the best so far when it is cancelled, or the model as it was", async () => {
    await start(digitsWorkspace({ times: 20 }));
    workspace.config({ train: MANY });
    const cancelAt = async (message: RegExp, workDoneToken: string) => {
      const source = new CancellationTokenSource();
      const params = { model: workspace.model, trainable: "all", epochs: 1000, workDoneToken };
      const since = server.now;
      const answer = server.connection.sendRequest(retrainRequest, params, source.token);
      await server.next(
        "$/progress",
        (p: { token: unknown; value: { message?: string } }) =>
          p.token === workDoneToken && message.test(p.value.message ?? ""),
        since,
      );
      source.cancel();
      return (await answer) as Retrained | null;
    };
    assert.equal(await cancelAt(/^/, "at once"), null);
    assert.ok(now().equals(original));
    const found = await cancelAt(/^epoch 1 of/, "later");
    assert.ok(found?.cancelled && found.epoch >= 1);
    assert.ok(found.undo !== undefined && !now().equals(original));
  });

  it("refuses what is no data, and the model stays", async () => {
    await start(digitsWorkspace());
    await assert.rejects(ask({ train: workspace.file("nowhere.npz") }), /there is no such file/);
    workspace.config({ data: undefined });
    await server.watched(pathToFileURL(workspace.file("kaibo.json")).href);
    await assert.rejects(
      ask({ train: workspace.file(DIGITS) }),
      /name it in kaibo\.json, which says how samples are prepared/,
    );
    assert.ok(now().equals(original));
  });
});
