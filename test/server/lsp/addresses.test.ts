import assert from "node:assert/strict";
import { lstatSync, mkdirSync, renameSync, statSync, symlinkSync } from "node:fs";
import { TestServer } from "../../support/server.ts";
import { digitsWorkspace, listingUri } from "../../support/workspace.ts";

describe("the address of a listing", function () {
  this.timeout(60_000);

  for (const name of ["my model.onnx", "数字 モデル.onnx", "a#1/b#x=2.onnx", "100%/50%25.onnx"])
    it(`may hold what a path may: ${name}`, async () => {
      const workspace = digitsWorkspace({ name });
      const server = await TestServer.start(workspace);
      const { text, revision } = await server.openReady(workspace);
      const line = text.split("\n").findIndex((l) => l.startsWith("  unit 3"));
      assert.notEqual(await server.hover(workspace.uri, line), null);
      const [action] = await server.actions(workspace.uri, line);
      const [edit] = await server.resolve(action!, workspace.uri);
      assert.equal(edit?.range.start.line, line);
      const left = text.split("\n").toSpliced(line, 1).join("\n");
      const { pruned } = await server.save(workspace.model, left, revision);
      assert.deepEqual(pruned?.removed, [{ layer: "conv1", units: [3] }]);
      await server.stop();
      workspace.remove();
    });

  it("may be written without escapes, as other editors do", async () => {
    const workspace = digitsWorkspace({ name: "数字 モデル.onnx", kaiboJson: false });
    const server = await TestServer.start(workspace);
    const { text } = await server.listing(workspace.model);
    const uri = `kaibo:${workspace.model}.nnl`;
    assert.deepEqual(await server.open(uri, text), []);
    assert.notEqual(await server.hover(uri, text.split("\n").indexOf("  unit 0")), null);
    await server.stop();
    workspace.remove();
  });

  it("may lead to a symbolic link, which stays one", async () => {
    const workspace = digitsWorkspace({ kaiboJson: false });
    mkdirSync(workspace.file("store"));
    const target = workspace.file("store/blob.onnx");
    renameSync(workspace.model, target);
    symlinkSync(target, workspace.model);
    const before = statSync(target).size;
    const server = await TestServer.start(workspace);
    const { text, revision } = await server.listing(workspace.model);
    const left = text.replace("  unit 3\n", "");
    const { pruned } = await server.save(workspace.model, left, revision);
    assert.ok(lstatSync(workspace.model).isSymbolicLink());
    assert.equal(statSync(target).size, pruned?.bytes.after);
    assert.ok(statSync(target).size < before);
    assert.equal(listingUri(workspace.model), workspace.uri);
    await server.stop();
    workspace.remove();
  });
});
