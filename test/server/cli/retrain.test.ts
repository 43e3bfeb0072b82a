import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { constantOf, topological } from "#core/ir/graph.ts";
import { readModel } from "#server/files/openModel.ts";
import type { RetrainReport } from "#server/operations/retrain.ts";
import { bundle } from "../../support/bundles.ts";
import { type Ended, kaibo } from "../../support/kaibo.ts";
import { mnistCnn, pytorchFile } from "../../support/pytorch.ts";
import { type TemporaryFolder, temporaryFolder } from "../../support/temporary.ts";
import { trainingFile } from "../../support/training.ts";

const IMAGES = pytorchFile("mnist200-images-idx3-ubyte.gz");
const SCALE = ["--scale", String(1 / 255)];

describe("kaibo retrain", function () {
  this.timeout(60_000);
  let folder: TemporaryFolder;
  beforeEach(() => {
    folder = temporaryFolder();
  });
  afterEach(() => folder.remove());

  const run = (...args: string[]) =>
    kaibo(["retrain", mnistCnn.model, "--train", IMAGES, ...SCALE, ...args]);

  function report({ code, stdout, stderr }: Ended): RetrainReport {
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^\{.*\}\n$/);
    return JSON.parse(stdout) as RetrainReport;
  }

  const tensors = async (path: string) =>
    new Map(
      topological((await readModel(path)).graph.outputs).flatMap(({ name, outputs: [v] }) => {
        const tensor = constantOf(v);
        return tensor === undefined || name === "" ? [] : [[name, [...tensor.data]] as const];
      }),
    );

  it("trains the head, and changes nothing else of the file", async () => {
    const out = folder.file("out.onnx");
    const epochs = ["--epochs", "3", "--rate", "0.0003"];
    const args = ["--data", IMAGES, "--validation", IMAGES, ...epochs, "-o", out, "--json"];
    const ended = await run(...args);
    const found = report(ended);
    assert.deepEqual(found.parameters, ["fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"]);
    assert.deepEqual(found.samples, { train: 200, validation: 200 });
    assert.deepEqual(
      found.epochs.map((e) => e.epoch),
      [0, 1, 2, 3],
    );
    assert.match(ended.stderr, /^epoch 0: validation loss .*\nepoch 1: loss /);
    assert.ok(found.best > 0 && found.difference <= 1e-5);
    assert.ok(found.accuracy!.after >= found.accuracy!.before);
    const [before, after] = [await tensors(mnistCnn.model), await tensors(out)];
    assert.deepEqual([...after.keys()], [...before.keys()]);
    for (const [name, values] of after)
      assert.equal(
        found.parameters.includes(name),
        JSON.stringify(values) !== JSON.stringify(before.get(name)),
        name,
      );
    const [old, now] = [readFileSync(mnistCnn.model), readFileSync(out)];
    assert.equal(now.length, old.length);
    const again = folder.file("again.onnx");
    await run(...args.with(args.indexOf(out), again));
    assert.ok(readFileSync(again).equals(now), "the same seed, another file");
  });

  it("trains layers by name, with other data to validate", async () => {
    const args = ["--layers", "conv1, fc2", "--validation", "0.25", "--epochs", "2", "--json"];
    const optimiser = ["--optimiser", "momentum", "--rate", "0.001", "--weight-decay", "0.001"];
    const found = report(await run(...args, ...optimiser, "-o", folder.file("out.onnx")));
    assert.deepEqual(
      [...found.parameters],
      ["conv1.weight", "conv1.bias", "fc2.weight", "fc2.bias"],
    );
    assert.deepEqual(found.samples, { train: 150, validation: 50 });
    assert.equal(found.optimiser, "momentum");
  });

  it("learns numbers, and says that statistics stay", async () => {
    const linear = ["retrain", trainingFile("linear.onnx"), "--train", trainingFile("linear.npz")];
    const out = ["-o", folder.file("out.onnx"), "--json"];
    const number = report(await kaibo([...linear, ...out]));
    assert.equal(number.loss, "squared");
    assert.ok(number.validation.after.loss < number.validation.before.loss);
    assert.equal(number.validation.after.accuracy, undefined);
    const cnn = ["retrain", trainingFile("cnn.onnx"), "--train", trainingFile("cnn.npz")];
    const all = report(await kaibo([...cnn, "--layers", "all", "--epochs", "1", ...out]));
    assert.match(all.note!, /statistics of BatchNormalization/);
  });

  it("Ctrl+C writes the best so far", async () => {
    const out = folder.file("out.onnx");
    const long = ["--epochs", "100000", "--patience", "100000", "--rate", "0.0003"];
    const args = ["--validation", IMAGES, ...long, "-o", out];
    const child = spawn(
      process.execPath,
      [bundle("cli"), "retrain", mnistCnn.model, "--train", IMAGES, ...SCALE, ...args, "--json"],
      { stdio: ["ignore", "pipe", "pipe"] },
    );
    let [stdout, stderr] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      if (!/epoch 5:/.test(stderr) && /epoch 5:/.test(stderr + text)) child.kill("SIGINT");
      stderr += text;
    });
    const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
    const found = report({ code, stdout, stderr });
    assert.equal(found.ended, "cancelled");
    assert.ok(found.best > 0);
    assert.match(stderr, new RegExp(`the best so far, of epoch ${found.best}, was written`));
    assert.ok(existsSync(out));
  });

  it("refuses what it cannot do, and writes nothing", async () => {
    const out = folder.file("out.onnx");
    const refusals: [readonly string[], RegExp][] = [
      [["--layers", "nope"], /there is no layer nope; there are conv1, conv2, fc1, fc2/],
      [["--validation", "1.5"], /--validation 1.5: expected data, or a share between 0 and 1/],
      [["--optimiser", "lion"], /expected sgd or momentum or adam/],
      [["--rate", "0"], /--rate 0: expected a number above 0/],
      [["--validation", folder.file("none.npz")], /there is no such file/],
      [["--layers", "all", "--optimiser", "sgd", "--rate", "x"], /--rate x/],
    ];
    for (const [args, message] of refusals) {
      const { code, stderr } = await run(...args, "-o", out);
      assert.equal(code, 2);
      assert.match(stderr, message);
    }
    const { stderr } = await kaibo(["retrain", mnistCnn.model, "-o", out]);
    assert.match(stderr, /name the data to train on with --train/);
    assert.deepEqual(readdirSync(folder.path), []);
  });
});
