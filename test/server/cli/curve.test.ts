import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { RemovalCurve } from "#protocol/views/curve.ts";
import { json, kaibo } from "../../support/kaibo.ts";
import { mnistCnn } from "../../support/pytorch.ts";
import { temporaryFolder } from "../../support/temporary.ts";

const digits = (name: string) =>
  fileURLToPath(new URL(`../../../samples/digits/${name}`, import.meta.url));
const MODEL = digits("model.onnx");
const SCALE = ["--scale", String(1 / 255), "--processes", "1"];
const DATA = ["--data", digits("t10k-images-idx3-ubyte.gz"), "--limit", "500", ...SCALE];
const SMALL = [mnistCnn.model, "--data", mnistCnn.data.data, ...SCALE];

describe("kaibo curve", function () {
  this.timeout(120_000);
  const folder = temporaryFolder();
  after(() => folder.remove());
  const curve = async (...flags: string[]) =>
    json<RemovalCurve & { seconds: number }>(await kaibo(["curve", ...flags, "--json"]));

  it("gives what the contract promises, on the sample", async () => {
    const csv = folder.file("curve.csv");
    const found = await curve(MODEL, ...DATA, "--layer", "conv2", "--points", "5", "--csv", csv);
    assert.deepEqual(Object.keys(found), [
      "model",
      "data",
      "samples",
      "criterion",
      "removes",
      "layers",
      "ranking",
      "baseline",
      "series",
      "seconds",
    ]);
    assert.deepEqual([found.samples, found.layers, found.model], [500, ["conv2"], "model.onnx"]);
    // 5 % of 64 units stay: 4.
    assert.equal(found.ranking.length, 60);
    const [ascending, descending, random] = found.series;
    for (const { points } of found.series)
      assert.deepEqual(
        points.map((p) => p.removed),
        [0, 15, 30, 45, 60],
      );
    assert.ok(ascending!.area > random!.area && random!.area > descending!.area);
    // Many of its units are dead: half of them cost nothing.
    assert.equal(ascending!.points[2]!.accuracy, found.baseline);
    const rows = readFileSync(csv, "utf8").trimEnd().split("\n");
    assert.equal(rows[0], "order,retrained,removed,accuracy,low,high");
    assert.equal(rows.length, 1 + 15);
    assert.equal(rows[2], `ascending,false,15,${ascending!.points[1]!.accuracy},,`);
    assert.match(rows.at(-1)!, /^random,false,60,0\.\d+,0\.\d+,0\.\d+$/);
  });

  it("repeats itself, and other seeds give other random orders", async () => {
    const flags = [...SMALL, "--order", "random", "--layer", "conv2", "--points", "5"];
    const strip = ({ seconds: _, ...found }: Awaited<ReturnType<typeof curve>>) => found;
    const [one, again, other] = [
      await curve(...flags),
      await curve(...flags),
      await curve(...flags, "--seed", "9"),
    ].map(strip);
    assert.deepEqual(one, again);
    assert.notDeepEqual(one!.series, other!.series);
    assert.deepEqual(one!.ranking, other!.ranking);
  });

  it("trains again with --retrain", async () => {
    const flags = ["--layer", "conv2", "--points", "3", "--order", "descending", "--epochs", "2"];
    const { series } = await curve(...SMALL, ...flags, "--retrain", mnistCnn.data.data);
    assert.deepEqual(
      series.map((s) => s.retrained),
      [false, true],
    );
    assert.ok(series[1]!.area > series[0]!.area);
  });

  it("shows people a table and a plot", async () => {
    const { code, stdout, stderr } = await kaibo(["curve", ...SMALL, "--inputs", "--points", "3"]);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
    assert.match(stdout, /^accuracy without inputs, by importance; 0\.\d{4} with all\n/);
    assert.match(stdout, /^removed +ascending +descending +random$/m);
    assert.match(stdout, /^ +392 +0\.\d{4} +0\.\d{4} +0\.\d{4}$/m);
    assert.match(stdout, /^ {2}1\.0 │/m);
    assert.match(stdout, /● ascending {3}○ descending {3}· random/);
  });

  const refusals: readonly (readonly [string, readonly string[], RegExp])[] = [
    ["no data", [mnistCnn.model], /name the data with --data/],
    ["layers and inputs at once", [...SMALL, "--inputs", "--layer", "conv1"], /choose one of/],
    [
      "an unknown layer",
      [...SMALL, "--layer", "conv9"],
      /there is no layer conv9; there are conv1/,
    ],
    ["the outputs", [...SMALL, "--layer", "fc2"], /its units are the outputs of the model/],
    ["an unknown order", [...SMALL, "--order", "up"], /--order up: expected ascending or/],
    ["a single point", [...SMALL, "--points", "1"], /--points 1: expected a whole number from 2/],
  ];
  for (const [what, flags, message] of refusals)
    it(`refuses ${what} with one line and exit 2`, async () => {
      const { code, stdout, stderr } = await kaibo(["curve", ...flags]);
      assert.deepEqual({ code, stdout }, { code: 2, stdout: "" });
      assert.match(stderr, /^kaibo: [^\n]+\n$/);
      assert.match(stderr, message);
    });
});

describe("kaibo prune --guard", function () {
  this.timeout(120_000);
  const folder = temporaryFolder();
  after(() => folder.remove());
  const out = folder.file("smaller.onnx");

  it("removes as much as keeps accuracy within the drop", async () => {
    const report = json<{
      accuracy: { before: number; after: number };
      removed: readonly { units: number[] }[];
    }>(await kaibo(["prune", MODEL, ...DATA, "--guard", "0.01", "-o", out, "--json"]));
    const { before, after } = report.accuracy;
    assert.ok(after >= before - 0.01 - 1e-9, `${before} ${after}`);
    const removed = report.removed.reduce((n, { units }) => n + units.length, 0);
    assert.ok(removed > 60, `${removed}`);
  });

  const refusals: readonly (readonly [string, readonly string[], RegExp])[] = [
    ["no data", [MODEL, "--guard", "0.01"], /needs data/],
    ["a drop above 1", [MODEL, ...DATA, "--guard", "5"], /--guard 5: expected a share/],
    ["two ways", [MODEL, ...DATA, "--guard", "0.1", "--count", "3"], /choose units by one of/],
    [
      "a scope that does not rank all together",
      [MODEL, ...DATA, "--guard", "0.1", "--scope", "layer"],
      /leave --scope layer out/,
    ],
  ];
  for (const [what, flags, message] of refusals)
    it(`refuses ${what}`, async () => {
      const { code, stderr } = await kaibo(["prune", ...flags, "-o", out]);
      assert.equal(code, 2);
      assert.match(stderr, message);
    });
});
