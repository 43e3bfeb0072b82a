import assert from "node:assert/strict";
import { copyFileSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { LayerUnits, UnitRanking } from "#protocol/views/ranking.ts";
import { json, kaibo } from "../../support/kaibo.ts";
import { assertRelative } from "../../support/numbers.ts";
import { expectedBy, mnistCnn, pytorchFile } from "../../support/pytorch.ts";
import { temporaryFolder } from "../../support/temporary.ts";

const file = (name: string) =>
  fileURLToPath(new URL(`../../fixtures/criteria/${name}`, import.meta.url));
const expected = JSON.parse(readFileSync(file("expected.json"), "utf8")) as Record<
  string,
  Record<string, { taylor: number[]; weightNorm: number[]; bnScale?: number[] }>
>;
const RESIDUAL = file("residual.onnx");
const DATA = ["--data", file("residual.npz"), "--processes", "1"];

type Ranked = UnitRanking & { readonly model: string };

const rank = async (...args: string[]): Promise<Ranked> =>
  json<Ranked>(await kaibo(["rank", ...args, "--json"]));

/** The scores of the groups of one layer alone, in unit order. */
function scoresOf({ groups }: UnitRanking, layer: string): number[] {
  const own = groups.filter((g) => g.members.length === 1 && g.members[0]!.layer === layer);
  return own
    .toSorted((a, b) => a.members[0]!.units[0]! - b.members[0]!.units[0]!)
    .map((g) => g.score);
}

describe("kaibo rank", function () {
  this.timeout(60_000);

  it("prints every group once with its score, lowest first, and what stays", async () => {
    const found = await rank(RESIDUAL, "--criterion", "weight-norm");
    assert.deepEqual(
      [found.model, found.criterion, found.scope],
      [RESIDUAL, "weight-norm", "layer"],
    );
    const units = found.groups.flatMap((g) =>
      g.members.flatMap((m) => m.units.map((u) => `${m.layer}/${u}`)),
    );
    assert.equal(new Set(units).size, units.length);
    assert.equal(units.length, 6 + 8 + 8 + 7);
    const scores = found.groups.map((g) => g.score);
    assert.deepEqual(
      scores,
      scores.toSorted((a, b) => a - b),
    );
    assert.deepEqual(found.fixed, [
      { layer: "fc2", because: "its units are the outputs of the model", at: "fc2" },
    ]);
  });

  it("by taylor, weight-norm and bn-scale is PyTorch's", async () => {
    const layers = expected.residual!;
    for (const [criterion, key, alone] of [
      ["taylor", "taylor", ["conv1", "fc1"]],
      ["weight-norm", "weightNorm", ["conv1", "fc1"]],
      ["bn-scale", "bnScale", ["conv1"]],
    ] as const) {
      const found = await rank(RESIDUAL, ...DATA, "--criterion", criterion);
      for (const layer of alone)
        assertRelative(scoresOf(found, layer), layers[layer]![key]!, {
          tolerance: 1e-4,
          what: `${criterion} ${layer}`,
        });
      // conv2 and conv3 are added up: each divided by its mean; conv3 has no normalisation.
      const mean = (v: readonly number[]) => v.reduce((a, b) => a + b) / v.length;
      const [a, b] = [layers.conv2![key]!, layers.conv3![key]];
      for (const { members, score } of found.groups.filter((g) => g.members.length === 2)) {
        const u = members[0]!.units[0]!;
        assert.deepEqual(members, [
          { layer: "conv2", units: [u] },
          { layer: "conv3", units: [u] },
        ]);
        const other = b === undefined ? a[u]! / mean(a) : b[u]! / mean(b);
        const together = ((a[u]! / mean(a) + other) / 2) * mean(a);
        assertRelative([score], [together], { tolerance: 1e-4 });
      }
    }
  });

  it("by taylor is the same with the other engine", async () => {
    const [a, b] = await Promise.all(
      ["onnxruntime", "tfjs"].map((engine) =>
        rank(RESIDUAL, ...DATA, "--criterion", "taylor", "--engine", engine),
      ),
    );
    for (const layer of ["conv1", "fc1"])
      assertRelative(scoresOf(a!, layer), scoresOf(b!, layer), { tolerance: 1e-4 });
  });

  it("by importance and gradient is PyTorch's on MNIST", async () => {
    const { layers } = expectedBy(mnistCnn).probabilities;
    const data = ["--data", mnistCnn.data.data, "--scale", String(1 / 255), "--processes", "1"];
    const of = (name: string) => layers.find((l) => l.name === name)!;
    const importance = await rank(mnistCnn.model, ...data);
    assertRelative(scoresOf(importance, "conv2"), of("conv2").gate, { tolerance: 1e-3 });
    const gradient = await rank(mnistCnn.model, ...data, "--criterion", "gradient");
    assertRelative(scoresOf(gradient, "fc1"), of("fc1").meanAbs, { tolerance: 1e-3 });
    const sigma = await rank(mnistCnn.model, ...data, "--index", "sigma", "--layer", "conv2");
    assertRelative(scoresOf(sigma, "conv2"), of("conv2").sigma, { tolerance: 1e-3 });
    assert.deepEqual(scoresOf(sigma, "conv1"), []);
    const activation = await rank(mnistCnn.model, ...data, "--criterion", "activation");
    const spread = of("conv2").scaled.map((s, u) => s / of("conv2").sigma[u]!);
    assertRelative(scoresOf(activation, "conv2"), spread, { tolerance: 1e-3 });
  });

  it("at random needs no data, and a seed gives one order", async () => {
    const of = (seed: string) => rank(RESIDUAL, "--criterion", "random", "--seed", seed);
    assert.deepEqual(await of("3"), await of("3"));
    assert.notDeepEqual(await of("3"), await of("4"));
  });

  it("of all layers together compares them", async () => {
    const found = await rank(RESIDUAL, "--criterion", "weight-norm", "--scope", "global");
    const scores = found.groups.map((g) => g.score);
    assert.ok(Math.abs(scores.reduce((a, b) => a + b) / scores.length - 1) < 1e-6);
  });

  it("tells people the same", async () => {
    const { code, stdout } = await kaibo(["rank", RESIDUAL, "--criterion", "bn-scale"]);
    assert.equal(code, 0);
    assert.match(stdout, /^conv1 {2}6 groups by bn-scale, lowest first\n +0\.0\d+ {2}conv1\/1\n/);
    assert.match(stdout, /\n +[\d.]+ {2}conv2\/3 \+ conv3\/3\n/);
    assert.match(stdout, /\nfc1 {2}stays: no BatchNormalization follows it/);
  });

  for (const [what, args, message] of [
    ["a criterion without the data that it needs", ["--criterion", "taylor"], /taylor needs data/],
    ["an unknown layer", ["--layer", "conv9"], /there is no layer conv9; there are conv1/],
    ["a layer of outputs", ["--layer", "fc2"], /its units are the outputs of the model/],
  ] as const)
    it(`refuses ${what}`, async () => {
      const { code, stdout, stderr } = await kaibo(["rank", RESIDUAL, ...args]);
      assert.deepEqual([code, stdout], [2, ""]);
      assert.match(stderr, message);
    });

  it("names the labels that taylor needs", async () => {
    const data = pytorchFile("mnist200-images-idx3-ubyte.gz");
    const folder = temporaryFolder();
    try {
      const alone = folder.file("images.idx3-ubyte.gz");
      copyFileSync(data, alone);
      const { code, stderr } = await kaibo([
        ...["rank", mnistCnn.model, "--criterion", "taylor", "--data", alone],
      ]);
      assert.equal(code, 2);
      assert.match(stderr, /taylor needs labels: name them with the data/);
    } finally {
      folder.remove();
    }
  });
});

describe("kaibo prune by rank", function () {
  this.timeout(60_000);
  const folder = temporaryFolder();
  after(() => folder.remove());
  const removed = async (...flags: string[]): Promise<readonly LayerUnits[]> => {
    const out = folder.file("smaller.onnx");
    const ended = await kaibo(["prune", RESIDUAL, ...flags, "-o", out, "--json"]);
    const found = json<{ removed: LayerUnits[]; maskedDifference: number }>(ended);
    assert.ok(found.maskedDifference <= 1e-5);
    return found.removed;
  };
  const counts = (sets: readonly LayerUnits[]) => sets.map((s) => `${s.layer} ${s.units.length}`);

  it("takes a share of every layer, in the order of the graph", async () => {
    const found = await removed("--amount", "0.5", "--criterion", "weight-norm");
    assert.deepEqual(counts(found), ["conv1 3", "conv2 4", "conv3 4", "fc1 3"]);
    const norms = expected.residual!.conv1!.weightNorm;
    const lowest = [...norms.keys()].sort((a, b) => norms[a]! - norms[b]!).slice(0, 3);
    assert.deepEqual(
      found[0]!.units,
      lowest.toSorted((a, b) => a - b),
    );
  });

  it("takes a share of several layers together, by any criterion", async () => {
    const flags = ["--layer", "conv1", "--layer", "fc1", "--scope", "global", "--amount", "0.5"];
    const found = await removed(...flags, "--criterion", "taylor", ...DATA);
    assert.equal(
      found.reduce((n, s) => n + s.units.length, 0),
      6,
    );
    assert.deepEqual(new Set(found.map((s) => s.layer)), new Set(["conv1", "fc1"]));
  });

  it("rounds what stays", async () => {
    const out = folder.file("rounded.onnx");
    const ended = await kaibo([
      ...["prune", mnistCnn.model, "--criterion", "weight-norm", "--amount", "0.6"],
      ...["--round", "8", "-o", out, "--json"],
    ]);
    const found = json<{ removed: LayerUnits[] }>(ended);
    // conv1 has 8, conv2 16, fc1 32: 4, 9 and 19 would go.
    assert.deepEqual(counts(found.removed), ["conv2 8", "fc1 16"]);
  });
});
