import assert from "node:assert/strict";
import { copyFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { pytorchFile } from "../../support/pytorch.ts";
import { TestServer } from "../../support/server.ts";
import { digitsWorkspace, type Workspace } from "../../support/workspace.ts";

const LABELS = "mnist200-labels-idx1-ubyte.gz";

describe("results on disk", function () {
  this.timeout(60_000);
  let workspace: Workspace;
  before(() => {
    workspace = digitsWorkspace();
  });
  after(() => workspace.remove());

  /** A new server's listing with results, and whether it computed them. */
  async function fresh(storage = workspace.storage) {
    const server = await TestServer.start({ ...workspace, storage });
    await server.openReady(workspace);
    const { text } = await server.listing(workspace.model);
    const { detail } = await server.status("ready");
    await server.stop();
    return { text, detail, computed: server.states().includes("computing") };
  }

  it("are there for the next server, to the last digit", async () => {
    const first = await fresh();
    assert.equal(first.computed, true);
    assert.deepEqual(await fresh(), { ...first, computed: false });
  });

  it("are of the model's bytes, the data's and the labels'", async () => {
    const change = (name: string, at: number) => {
      const path = workspace.file(name);
      const bytes = gunzipSync(readFileSync(path));
      bytes[at] = (bytes[at]! + 1) % 10;
      writeFileSync(path, gzipSync(bytes));
    };
    change("mnist200-images-idx3-ubyte.gz", 16);
    assert.equal((await fresh()).computed, true);
    change(LABELS, 8);
    const relabelled = await fresh();
    assert.equal(relabelled.computed, true);
    assert.match(relabelled.detail, /accuracy 0\.9900/);
    // A trailing doc string: a field of the model that changes no number.
    writeFileSync(
      workspace.model,
      Buffer.concat([readFileSync(workspace.model), Buffer.from([0x32, 1, 0x61])]),
    );
    assert.equal((await fresh()).computed, true);
    for (const name of ["mnist200-images-idx3-ubyte.gz", LABELS])
      copyFileSync(pytorchFile(name), workspace.file(name));
    copyFileSync(pytorchFile("mnist-cnn.onnx"), workspace.model);
    assert.equal((await fresh()).computed, false, "the old answer to the old question");
  });

  it("that are damaged are computed again", async () => {
    const { text } = await fresh();
    const results = join(workspace.storage, "results");
    for (const damage of [
      (whole: string) => whole.slice(0, whole.length / 2),
      (whole: string) => whole.replace(/0\.4/, "0.5"),
    ]) {
      for (const name of readdirSync(results)) {
        const path = join(results, name);
        writeFileSync(path, damage(readFileSync(path, "utf8")));
      }
      assert.deepEqual(await fresh(), {
        text,
        detail: "200 samples; accuracy 0.9950",
        computed: true,
      });
    }
  });

  it("that cannot be stored are shown all the same", async () => {
    const file = workspace.file("no-folder");
    writeFileSync(file, "");
    const { text, computed } = await fresh(file);
    assert.equal(computed, true);
    assert.match(text, /importance 0\.4673/);
    rmSync(file);
  });
});
