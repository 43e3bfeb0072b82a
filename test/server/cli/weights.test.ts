import assert from "node:assert/strict";
import { copyFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { zipSync } from "fflate";
import type { ModelView } from "#protocol/views/model.ts";
import { json, kaibo } from "../../support/kaibo.ts";
import { pytorchFile } from "../../support/pytorch.ts";
import { temporaryFolder } from "../../support/temporary.ts";

const WEIGHTS = resolve(import.meta.dirname, "../../fixtures/safetensors/model.safetensors");
const DATA = pytorchFile("mnist200-images-idx3-ubyte.gz");

interface Wrong {
  readonly error: { code: string; message: string; at: { file: string } };
}

describe("kaibo on weights without a graph", function () {
  this.timeout(60_000);
  const folder = temporaryFolder();
  after(() => folder.remove());

  it("lists the layers with the norms of their weights", async () => {
    const view = json<ModelView>(await kaibo(["inspect", WEIGHTS, "--json"]));
    assert.equal(view.format, "safetensors, weights only");
    assert.deepEqual(view.layers.map((l) => `${l.name} ${l.units}`).sort(), [
      "conv1 4",
      "fc 3",
      "head 5",
      "rnn.weight_ih_l0 6",
    ]);
    const { stdout, code } = await kaibo(["list", WEIGHTS]);
    assert.equal(code, 0);
    assert.match(
      stdout,
      /^# it holds weights only, and computing needs the graph: open the ONNX export/m,
    );
    assert.match(stdout, /^layer conv1 {2}weight 4x2x3x3 {2}bias/m);
    assert.match(stdout, /^layer fc .*\n {2}unit 0 +importance [\d.]+/m);
  });

  it("says that computing and pruning need the graph", async () => {
    const computed = await kaibo(["importance", WEIGHTS, "--data", DATA, "--json"]);
    assert.match(json<Wrong>(computed, 2).error.message, /weights only.* open the ONNX export/);
    const out = folder.file("out.safetensors");
    const pruned = await kaibo(["prune", WEIGHTS, "--unit", "conv1/0", "-o", out, "--json"]);
    const { error } = json<Wrong>(pruned, 2);
    assert.deepEqual([error.code, error.at.file], ["cannot-prune", WEIGHTS]);
    assert.match(error.message, /weights only/);
  });

  it("knows what PyTorch saved by its content, and says how to export it", async () => {
    const pickle = Buffer.from([0x80, 2, 0x7d, 0x71, 0, 0x2e]);
    const magic = Buffer.from("80028a0a6cfc9c46f9206aa850192e", "hex");
    const saved = { "m/data.pkl": pickle, "m/version": Buffer.from("3") };
    for (const [name, content, line] of [
      [
        "model.pt",
        zipSync(saved),
        /MyModel\(\); model\.load_state_dict\(torch\.load\("model\.pt", weights_only=True\)\)/,
      ],
      ["pytorch_model.bin", zipSync(saved), /torch\.load\("pytorch_model\.bin"/],
      [
        "script.onnx",
        zipSync({ ...saved, "m/constants.pkl": pickle }),
        /model = torch\.jit\.load\("script\.onnx"\)/,
      ],
      ["old.pth", magic, /torch\.onnx\.export\(model\.eval\(\), \(example,\), "old\.onnx"\)/],
      ["plain.ckpt", pickle, /import torch/],
    ] as const) {
      const path = folder.file(name);
      writeFileSync(path, content);
      const { error } = json<Wrong>(await kaibo(["inspect", path, "--json"]), 2);
      assert.deepEqual([error.code, error.at.file], ["unreadable-model", path]);
      assert.match(error.message, line);
      assert.equal(error.message.split("\n").length, 4);
      assert.doesNotMatch((await kaibo(["inspect", path])).stderr.trimEnd(), /\n/);
    }
  });

  it("leaves other archives and the name alone", async () => {
    const zip = folder.file("data.pt");
    writeFileSync(zip, zipSync({ "a.txt": Buffer.from("a") }));
    const { error } = json<Wrong>(await kaibo(["inspect", zip, "--json"]), 2);
    assert.doesNotMatch(error.message, /pickle/);
    const model = folder.file("really-onnx.onnx.pt");
    copyFileSync(pytorchFile("mnist-cnn.onnx"), model);
    assert.match(json<ModelView>(await kaibo(["inspect", model, "--json"])).format, /^onnx/);
  });
});
