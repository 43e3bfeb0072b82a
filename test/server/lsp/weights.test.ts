import assert from "node:assert/strict";
import { copyFileSync } from "node:fs";
import { resolve } from "node:path";
import { TestServer } from "../../support/server.ts";
import { digitsWorkspace, listingUri } from "../../support/workspace.ts";

const WEIGHTS = resolve(import.meta.dirname, "../../fixtures/safetensors/model.safetensors");

describe("the listing of a safetensors file", function () {
  this.timeout(60_000);

  it("has the norms of the weights and no prunes", async () => {
    const workspace = digitsWorkspace({ kaiboJson: false });
    const model = workspace.file("weights.safetensors");
    copyFileSync(WEIGHTS, model);
    const server = await TestServer.start(workspace);
    const since = server.now;
    await server.listing(model);
    await server.next<{ model: string }>("kaibo/listingChanged", (p) => p.model === model, since);
    const { text, revision } = await server.listing(model);
    assert.match(
      text,
      /^layer conv1 {2}weight 4x2x3x3 {2}bias .*cannot be pruned.*\n {2}unit 0 +importance \d/m,
    );
    const uri = listingUri(model);
    assert.deepEqual(await server.open(uri, text), []);
    const line = text.split("\n").findIndex((l) => l.startsWith("layer conv1"));
    assert.deepEqual(await server.actions(uri, line + 1), []);
    const without = text
      .split("\n")
      .toSpliced(line + 1, 1)
      .join("\n");
    await assert.rejects(server.save(model, without, revision), /weights only/);
    assert.equal(await server.stop(), 0);
    workspace.remove();
  });
});
