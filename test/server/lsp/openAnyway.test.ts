import assert from "node:assert/strict";
import type { CodeAction } from "vscode-languageserver-protocol";
import { commands } from "#protocol/requests.ts";
import { TestServer } from "../../support/server.ts";
import { digitsWorkspace, type Workspace } from "../../support/workspace.ts";

describe("files over a limit", function () {
  this.timeout(60_000);
  let workspace: Workspace;
  let server: TestServer | undefined;
  beforeEach(() => {
    workspace = digitsWorkspace();
  });
  afterEach(async () => {
    assert.equal(await server?.stop(), 0);
    workspace.remove();
  });

  const started = async (limits: object, locale?: string): Promise<TestServer> => {
    server = await TestServer.start({
      ...workspace,
      settings: { limits },
      ...(locale === undefined ? {} : { locale }),
    });
    return server;
  };

  /** The quick fix in the line of the model. */
  async function fix(of: TestServer): Promise<CodeAction | undefined> {
    const actions = await of.actions(workspace.uri, 0);
    return actions.find(({ command }) => command?.command === commands.openAnyway);
  }

  const run = (of: TestServer, { command }: CodeAction) =>
    of.request("workspace/executeCommand", command);

  it("a model is refused with the limit, and opened when people say so", async () => {
    const it = await started({ nodes: 3 });
    const { text } = await it.listing(workspace.model);
    assert.doesNotMatch(text, /^layer/m);
    const [wrong] = await it.open(workspace.uri, text);
    assert.equal(wrong?.code, "over-limit");
    assert.match(
      String(wrong.message),
      /limit is \d+.*raise kaibo\.limits\.nodes, or open it anyway/,
    );
    const action = await fix(it);
    assert.equal(action?.title, "Open anyway, until the editor is closed");
    assert.deepEqual([action.kind, action.command?.arguments], ["quickfix", [workspace.model]]);
    await run(it, action);
    assert.match((await it.listing(workspace.model)).text, /^layer conv1/m);
    // The compute processes were told.
    await it.status("ready");
    assert.equal(await fix(it), undefined);
  });

  it("data too; in Japanese", async () => {
    // Of one picture; of values in other samples twice as many, where a digit has 784.
    const it = await started({ pixels: 100 }, "ja");
    const { text } = await it.listing(workspace.model);
    await it.open(workspace.uri, text);
    const { detail } = await it.status("failed");
    assert.match(detail, /one sample has 784 values, and the limit is 200/);
    const action = await fix(it);
    assert.equal(action?.title, "それでも開く（エディターを閉じるまで）");
    await run(it, action);
    await it.listing(workspace.model);
    await it.status("ready");
  });

  it("a limit that is raised opens them", async () => {
    const it = await started({ nodes: 3 });
    await it.listing(workspace.model);
    await it.configure({ limits: { nodes: 100 } });
    assert.match((await it.listing(workspace.model)).text, /^layer conv1/m);
  });
});
