import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import type { Importance } from "#protocol/views/importance.ts";
import type { ModelView } from "#protocol/views/model.ts";
import { kaibo } from "../../support/kaibo.ts";
import { mnistCnn } from "../../support/pytorch.ts";
import { temporaryFolder } from "../../support/temporary.ts";

const MODEL = mnistCnn.model;
const DATA = ["--data", mnistCnn.data.data, "--scale", String(1 / 255), "--processes", "1"];

interface Report {
  readonly output: string;
  readonly removed: readonly { layer: string; units: number[] }[];
  readonly accuracy?: BeforeAfter;
  readonly parameters: BeforeAfter;
  readonly bytes: BeforeAfter;
  readonly macs: BeforeAfter;
  readonly maskedDifference: number;
}

interface BeforeAfter {
  readonly before: number;
  readonly after: number;
}

describe("kaibo prune", function () {
  this.timeout(60_000);
  const folder = temporaryFolder();
  const out = folder.file("smaller.onnx");
  after(() => folder.remove());
  const run = (...flags: string[]) => kaibo(["prune", MODEL, ...flags, "-o", out]);
  const report = async (...flags: string[]): Promise<Report> => {
    const { code, stdout, stderr } = await run(...flags, "--json");
    assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
    assert.match(stdout, /^\{.*\}\n$/);
    return JSON.parse(stdout) as Report;
  };

  it("removes the units that are named and reports what the contract promises", async () => {
    const found = await report(
      "--unit",
      "conv1/7",
      "--unit",
      "conv2/3",
      "--unit",
      "conv1/0",
      ...DATA,
    );
    assert.deepEqual(
      new Set(Object.keys(found)),
      new Set([
        "accuracy",
        "bytes",
        "engine",
        "macs",
        "maskedDifference",
        "output",
        "parameters",
        "removed",
      ]),
    );
    assert.equal(found.output, out);
    assert.deepEqual(found.removed, [
      { layer: "conv1", units: [0, 7] },
      { layer: "conv2", units: [3] },
    ]);
    for (const { before, after } of [found.parameters, found.bytes, found.macs])
      assert.ok(after < before && after > 0);
    assert.deepEqual(found.bytes, { before: statSync(MODEL).size, after: statSync(out).size });
    assert.ok(found.maskedDifference <= 1e-5);
    const { stdout } = await kaibo(["inspect", out, "--json"]);
    const view = JSON.parse(stdout) as ModelView;
    assert.deepEqual(
      view.layers.map((l) => l.units),
      [6, 15, 32, 10],
    );
    assert.deepEqual([view.parameters, view.macs], [found.parameters.after, found.macs.after]);
  });

  it("needs no data for units that are named", async () => {
    const found = await report("--unit", "conv1/1");
    assert.ok(!("accuracy" in found) && found.maskedDifference <= 1e-5);
  });

  it("removes the least important units of a layer with --count", async () => {
    const { removed } = await report("--layer", "conv2", "--count", "4", ...DATA);
    const importance = await importanceOf("conv2");
    const lowest = [...importance.keys()].sort((a, b) => importance[a]! - importance[b]!);
    assert.deepEqual(removed, [
      { layer: "conv2", units: lowest.slice(0, 4).sort((a, b) => a - b) },
    ]);
  });

  it("removes the units below a share of the largest with --below", async () => {
    const { removed } = await report("--layer", "fc1", "--below", "0.3", ...DATA);
    const importance = await importanceOf("fc1");
    const largest = Math.max(...importance);
    const below = [...importance.keys()].filter((u) => importance[u]! < 0.3 * largest);
    assert.ok(below.length > 0);
    assert.deepEqual(removed, [{ layer: "fc1", units: below }]);
  });

  it("tells people the same", async () => {
    const { code, stdout, stderr } = await run("--unit", "conv1/7", ...DATA);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
    assert.match(stdout, /smaller\.onnx: removed 1 of conv1 \(7\)\n/);
    assert.match(stdout, /^ {2}accuracy +0\.\d{4} → [01]\.\d{4}$/m);
    assert.match(stdout, /^ {2}bytes +[\d,]+ → [\d,]+$/m);
  });

  const refusals: readonly (readonly [string, readonly string[], RegExp])[] = [
    ["output units", ["--unit", "fc2/3"], /fc2: its units are the outputs of the model/],
    ["an unknown layer", ["--unit", "conv9/3"], /there is no layer conv9; there are conv1, conv2/],
    ["an unknown layer, by count", ["--layer", "conv9", "--count", "2", ...DATA], /no layer conv9/],
    ["an unknown unit", ["--unit", "conv1/8"], /there is no unit 8: conv1 has units 0 to 7/],
    ["all units", ["--layer", "conv1", "--count", "8", ...DATA], /at least one unit must stay/],
    ["no units", [], /choose units by one of/],
    ["two ways at once", ["--unit", "conv1/1", "--count", "2", ...DATA], /choose units by one of/],
    ["a unit without a number", ["--unit", "conv1"], /--unit conv1: expected LAYER\/UNIT/],
    [
      "a share above 1",
      ["--layer", "conv1", "--below", "2", ...DATA],
      /--below 2: expected a share/,
    ],
    [
      "a share that nothing is below",
      ["--layer", "fc1", "--below", "0", ...DATA],
      /no unit is below/,
    ],
    ["a layer without data", ["--layer", "conv1", "--count", "2"], /importance needs data/],
    [
      "more units than can go together",
      ["--scope", "global", "--count", "60", ...DATA],
      /at least one unit must stay of each layer/,
    ],
    [
      "a criterion that no layer has",
      ["--criterion", "bn-scale", "--count", "2"],
      /conv1: no BatchNormalization follows it/,
    ],
    ["an unknown criterion", ["--criterion", "size", "--count", "2"], /expected importance or/],
    ["multiples of 3", ["--round", "3", "--count", "2", ...DATA], /--round 3: expected 8 or 16/],
    ["multiples of named units", ["--unit", "conv1/1", "--round", "8"], /--round goes with/],
    [
      "multiples that are out of reach",
      ["--round", "16", "--layer", "conv1", "--criterion", "random", "--count", "2"],
      /no layer can be left with a multiple of 16 that way/,
    ],
  ];
  for (const [what, flags, message] of refusals)
    it(`refuses ${what} with one line and exit 2, and leaves the output file as it was`, async () => {
      writeFileSync(out, "what was there before");
      const { code, stdout, stderr } = await run(...flags);
      assert.deepEqual({ code, stdout }, { code: 2, stdout: "" });
      assert.match(stderr, /^kaibo: [^\n]+\n$/);
      assert.match(stderr, message);
      assert.equal(readFileSync(out, "utf8"), "what was there before");
      assert.deepEqual(readdirSync(folder.path), ["smaller.onnx"]);
    });

  it("refuses to run without an output", async () => {
    const { code, stderr } = await kaibo(["prune", MODEL, "--unit", "conv1/1"]);
    assert.equal(code, 2);
    assert.match(stderr, /^kaibo: name the file to write with -o\n$/);
  });

  it("says why a file cannot be written", async () => {
    const nowhere = folder.file("nowhere/out.onnx");
    const { code, stdout } = await kaibo([
      ...["prune", MODEL, "--unit", "conv1/1", "-o", nowhere, "--json"],
    ]);
    assert.equal(code, 2);
    const { error } = JSON.parse(stdout) as { error: { code: string; at: object } };
    assert.deepEqual([error.code, error.at], ["cannot-write", { file: nowhere }]);
    assert.ok(!existsSync(nowhere));
  });
});

async function importanceOf(layer: string): Promise<readonly number[]> {
  const { stdout } = await kaibo(["importance", MODEL, ...DATA, "--layers", layer, "--json"]);
  return (JSON.parse(stdout) as Importance).layers[0]!.importance;
}
