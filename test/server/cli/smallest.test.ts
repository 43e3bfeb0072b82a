import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { inspectModel } from "#server/operations/inspect.ts";
import type { SmallestReport } from "#server/operations/smallest.ts";
import { normal } from "../../support/build.ts";
import { bundle } from "../../support/bundles.ts";
import { json, kaibo } from "../../support/kaibo.ts";
import { npz } from "../../support/npz.ts";
import { mnistCnn, pytorchFile } from "../../support/pytorch.ts";
import { temporaryFolder } from "../../support/temporary.ts";

const IMAGES = pytorchFile("mnist200-images-idx3-ubyte.gz");
const MODEL = mnistCnn.model;
const DATA = ["--data", IMAGES, "--train", IMAGES, "--scale", String(1 / 255)];
const FEW = ["--epochs", "1", "--tries", "4", "--processes", "1"];

describe("kaibo smallest", function () {
  this.timeout(180_000);
  const folder = temporaryFolder();
  after(() => folder.remove());
  // The models of the tries lie there, and go at the end.
  const env = { TMPDIR: folder.file("tries"), TMP: folder.file("tries") };
  mkdirSync(env.TMPDIR);
  afterEach(() => {
    const left = readdirSync(env.TMPDIR).filter((f) => f.startsWith("kaibo-smallest"));
    assert.deepEqual(left, []);
  });
  const smallest = (...args: string[]) => kaibo(["smallest", ...args], env);

  it("finds a smaller model that keeps the accuracy; again it finds the same", async () => {
    const [out, again] = [folder.file("out.onnx"), folder.file("again.onnx")];
    const run = async (output: string, model = MODEL) => {
      const flags = ["-o", output];
      const { code, stdout, stderr } = await smallest(model, ...DATA, ...FEW, ...flags, "--json");
      assert.equal(code, 0, stderr);
      return JSON.parse(stdout) as SmallestReport;
    };
    const found = await run(out);
    assert.ok(Math.abs(found.least - 0.98 * found.accuracy.before) < 1e-12);
    assert.ok(found.accuracy.after >= found.least, `${found.accuracy.after}`);
    assert.deepEqual([found.ended, found.tries.length, found.samples], ["tries", 4, 200]);
    const kept = found.tries.filter((t) => t.enough);
    assert.equal(found.parameters.after, kept.at(-1)!.parameters);
    assert.equal(found.accuracy.after, kept.at(-1)!.accuracy.retrained);
    // What the tries before it were left with, it has or has less of.
    kept.slice(1).forEach((t, i) => {
      assert.ok(t.parameters < kept[i]!.parameters && t.macs < kept[i]!.macs);
    });
    const { layers, parameters } = await inspectModel(out);
    assert.equal(parameters, found.parameters.after);
    assert.deepEqual(
      layers.slice(0, 3).map(({ name, units }) => [name, units]),
      found.layers.map(({ layer, after }) => [layer, after]),
    );
    assert.equal(statSync(out).size, found.bytes.after);
    for (const { layer, units } of found.removed) {
      const { before, after } = found.layers.find((l) => l.layer === layer)!;
      assert.deepEqual([units.length, new Set(units).size], [before - after, before - after]);
      assert.ok(units.every((u) => u >= 0 && u < before));
    }
    // In the place of the model itself.
    copyFileSync(MODEL, again);
    const same = await run(again, again);
    assert.ok(readFileSync(again).equals(readFileSync(out)), "the same question, another file");
    const strip = ({ seconds: _, ...t }: SmallestReport["tries"][number]) => t;
    assert.deepEqual(same.tries.map(strip), found.tries.map(strip));
    assert.deepEqual([same.layers, same.removed], [found.layers, found.removed]);
  });

  it("shows people the tries as a table, of the layers that were asked for", async () => {
    const flags = ["--layer", "conv2", "--keep", "0.9", "--absolute", "--retrain", "head"];
    const out = folder.file("conv2.onnx");
    const { code, stdout, stderr } = await kaibo([
      "smallest",
      MODEL,
      ...DATA,
      ...FEW,
      ...flags,
      "-o",
      out,
    ]);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /conv2\.onnx: conv2 16 → \d+; (all tries are used up|no layer)/);
    assert.match(stdout, /^ +cut +conv2 +parameters +MAC +pruned +retrained +seconds$/m);
    assert.match(stdout, /^ +16 +14,538 +[\d,]+ +0\.9950 +as it was *$/m);
    assert.match(stdout, /^ +conv2 +8 +[\d,]+ +[\d,]+ +0\.\d{4} +0\.\d{4} +(enough|too few) +/m);
    assert.match(stdout, /kept: 0\.9000 on 200 samples/);
    assert.match(stderr, /^conv2 8: accuracy 0\.\d{4}, retrained 0\.\d{4}: (enough|too few units)/);
    const widths = (await inspectModel(out)).layers.map(({ units }) => units);
    assert.deepEqual([widths[0], widths[2], widths[3]], [8, 32, 10]);
  });

  for (const [format, name, shape] of [
    ["TensorFlow.js", "tfjs/cnn/model.json", [6, 5, 2]],
    ["Keras", "keras/cnn.h5", [10, 10, 2]],
  ] as const)
    it(`writes ${format} with all that belongs to it`, async () => {
      const model = fileURLToPath(new URL(`../../fixtures/${name}`, import.meta.url));
      const data = folder.file(`${format}.npz`);
      const values = [...normal([60, ...shape], 3).data];
      const y = { shape: [60], values: Array.from({ length: 60 }, (_, i) => i % 3) };
      writeFileSync(data, npz({ x: { shape: [60, ...shape], values }, y }));
      mkdirSync(folder.file(format));
      const out = folder.file(`${format}/${basename(name)}`);
      const flags = ["--data", data, "--train", data, "--keep", "0.1", ...FEW, "-o", out, "--json"];
      const { code, stdout, stderr } = await smallest(model, ...flags);
      assert.equal(code, 0, stderr);
      const found = JSON.parse(stdout) as SmallestReport;
      const { parameters } = await inspectModel(out);
      assert.equal(parameters, found.parameters.after);
      assert.ok(parameters < found.parameters.before);
      const names = readdirSync(folder.file(format));
      const bytes = names.reduce((n, f) => n + statSync(folder.file(`${format}/${f}`)).size, 0);
      assert.equal(bytes, found.bytes.after);
      const again = json<{ accuracy: number }>(
        await kaibo(["importance", out, "--data", data, "--processes", "1", "--json"]),
      );
      assert.equal(again.accuracy, found.accuracy.after);
    });

  it("Ctrl+C writes the smallest so far", async () => {
    const out = folder.file("cancelled.onnx");
    const flags = ["--epochs", "1", "--tries", "100000", "--keep", "0.5", "-o", out, "--json"];
    const child = spawn(process.execPath, [bundle("cli"), "smallest", MODEL, ...DATA, ...flags], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...env },
    });
    let [stdout, stderr] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      if (!/: enough/.test(stderr) && /: enough/.test(stderr + text)) child.kill("SIGINT");
      stderr += text;
    });
    const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
    assert.equal(code, 0, stderr);
    const found = JSON.parse(stdout) as SmallestReport;
    assert.equal(found.ended, "cancelled");
    assert.ok(found.parameters.after < found.parameters.before && existsSync(out));
  });

  const out = folder.file("refused.onnx");
  const refusals: readonly (readonly [string, readonly string[], RegExp])[] = [
    ["no data", [MODEL, "--train", IMAGES, "-o", out], /name the data with --data/],
    ["no training data", [MODEL, "--data", IMAGES, "-o", out], /--train/],
    ["no output", [MODEL, ...DATA], /name the file to write with -o/],
    ["a share above 1", [MODEL, ...DATA, "--keep", "98", "-o", out], /--keep 98: expected a share/],
    [
      "more than there is",
      [MODEL, ...DATA, "--keep", "1", "--absolute", "-o", out],
      /its accuracy is 0\.995: less than what is to be kept/,
    ],
    [
      "an unknown layer",
      [MODEL, ...DATA, "--layer", "conv9", "-o", out],
      /there is no layer conv9; there are conv1/,
    ],
    ["the outputs", [MODEL, ...DATA, "--layer", "fc2", "-o", out], /are the outputs of the model/],
  ];
  for (const [what, flags, message] of refusals)
    it(`refuses ${what}, and writes nothing`, async () => {
      const { code, stdout, stderr } = await smallest(...flags);
      assert.deepEqual({ code, stdout }, { code: 2, stdout: "" });
      assert.match(stderr, message);
      assert.ok(!existsSync(out));
    });
});
