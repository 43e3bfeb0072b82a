import assert from "node:assert/strict";
import { spearman, student } from "#core/explain/importance/interval.ts";
import { constant, type Graph } from "#core/ir/graph.ts";
import type { Importance, LayerImportance } from "#protocol/views/importance.ts";
import { image, normal, op, weights } from "../../support/build.ts";
import { measure, sums } from "../../support/measure.ts";

const OUTPUTS = 100;

/** Filters, dense units, 100 classes. */
function net(): Graph {
  const x = image("N", 1, 6, 6);
  const conv = op("Relu", {}, [op("Conv", {}, [x, weights([6, 1, 3, 3], 1, "conv.weight")])]);
  const flat = op("Flatten", { axis: 1 }, [conv]);
  const hidden = op("Tanh", {}, [
    op("MatMul", {}, [flat, constant(normal([96, 24], 2), "fc1.weight")]),
  ]);
  const y = op("MatMul", {}, [hidden, constant(normal([24, OUTPUTS], 3), "fc2.weight")]);
  return { inputs: [x], outputs: [y] };
}

/** √Σ_j Σ_positions Var(∂y_j/∂a) per unit, from every output by itself. */
async function exactly(graph: Graph, samples: number): Promise<Map<string, number[]>> {
  const { run, partial } = await sums(graph, { probes: "exact", samples });
  return new Map(
    run.targets.map((t, i) => {
      const { sum, squares } = partial.moments[i]!;
      const result = new Array<number>(t.units).fill(0);
      for (let e = 0; e < sum.length; e++) {
        const unit = Math.floor((e % t.elements) / (t.elements / t.units));
        result[unit]! += squares[e]! / samples - (sum[e]! / samples) ** 2;
      }
      return [t.layer, result.map(Math.sqrt)];
    }),
  );
}

/** Layers whose index is √Σ Var, and the input. */
function estimates({ layers, input }: Importance) {
  const { importance, interval } = input;
  return [{ name: "", units: importance.length, importance, interval }, ...layers];
}

describe("probes", function () {
  this.timeout(60_000);
  const graph = net();
  const SAMPLES = 24;

  it("are taken from 65 outputs on, every output up to 64", async () => {
    assert.equal((await measure(graph, { samples: 8 })).estimator?.kind, "probes");
    const y = op("Slice", { axes: [1], starts: [0], ends: [64] }, [graph.outputs[0]!]);
    const found = await measure({ inputs: graph.inputs, outputs: [y] }, { samples: 8 });
    assert.deepEqual(found.estimator, { kind: "exact" });
    assert.equal(found.layers[0]!.interval, undefined);
  });

  it("give intervals at 95 % that cover the exact value of at least 90 % of the units", async () => {
    const exact = await exactly(graph, SAMPLES);
    let [covered, all] = [0, 0];
    for (let seed = 1; seed <= 6; seed++) {
      const found = await measure(graph, { samples: SAMPLES, index: "sigma", probes: 32, seed });
      for (const { name, importance, interval } of estimates(found))
        importance.forEach((_, u) => {
          const value = exact.get(name)![u]!;
          all++;
          if (interval!.low[u]! <= value && value <= interval!.high[u]!) covered++;
        });
    }
    assert.ok(covered / all >= 0.9, `${covered} of ${all}`);
    // Intervals that cover nearly everything would say too little.
    assert.ok(covered / all <= 0.995, `${covered} of ${all}`);
  });

  it("cover it as well where each batch goes through a share of them only", async () => {
    const samples = 160;
    const thin = { samples, batch: 2, stacked: 8 };
    const exact = await exactly(graph, samples);
    const { partial } = await sums(graph, { ...thin, probes: 32 });
    assert.ok(partial.rowSamples.every((n) => n > 0 && n < samples));
    let [covered, all] = [0, 0];
    for (let seed = 1; seed <= 3; seed++) {
      const found = await measure(graph, { ...thin, index: "sigma", probes: 32, seed });
      for (const { name, importance, interval } of estimates(found))
        importance.forEach((_, u) => {
          all++;
          const value = exact.get(name)![u]!;
          if (interval!.low[u]! <= value && value <= interval!.high[u]!) covered++;
        });
    }
    assert.ok(covered / all >= 0.9, `${covered} of ${all}`);
  });

  it("come to the exact value in the mean over many", async () => {
    const exact = await exactly(graph, SAMPLES);
    const options = { samples: SAMPLES, index: "sigma", probes: 1500, layers: ["conv"] } as const;
    const [{ importance }] = (await measure(graph, options)).layers as [LayerImportance];
    importance.forEach((value, u) => {
      const share = value / exact.get("conv")![u]!;
      assert.ok(Math.abs(share - 1) < 0.06, `${u}: ${share}`);
    });
  });

  it("are the same for the same seed, others for another", async () => {
    const of = (seed: number) => measure(graph, { samples: 8, seed });
    assert.deepEqual(await of(3), await of(3));
    assert.notDeepEqual((await of(3)).layers, (await of(4)).layers);
  });

  // The other way would be to differentiate some outputs only, chosen at random, and scale up.
  it("rank units like Σσ over all outputs, better than as many outputs chosen at random do", async () => {
    const k = 16;
    const { run, partial } = await sums(graph, { probes: "exact", samples: SAMPLES });
    const at = run.targets.findIndex((t) => t.layer === "fc1");
    const { sum, squares } = partial.moments[at]!;
    const units = run.targets[at]!.units;
    const sigma = (outputs: readonly number[]) =>
      Array.from({ length: units }, (_, u) =>
        outputs.reduce((total, j) => {
          const mean = sum[j * units + u]! / SAMPLES;
          return total + Math.sqrt(squares[j * units + u]! / SAMPLES - mean * mean);
        }, 0),
      );
    const all = sigma(Array.from({ length: OUTPUTS }, (_, j) => j));
    let [byProbes, bySome] = [0, 0];
    const rounds = 8;
    for (let seed = 1; seed <= rounds; seed++) {
      const found = await measure(graph, {
        samples: SAMPLES,
        index: "sigma",
        probes: k,
        layers: ["fc1"],
        seed,
      });
      byProbes += spearman(found.layers[0]!.importance, all) / rounds;
      const order = [...normal([OUTPUTS], seed).data]
        .map((v, j) => [v, j] as const)
        .sort((a, b) => a[0] - b[0])
        .map(([, j]) => j);
      bySome += spearman(sigma(order.slice(0, k)), all) / rounds;
    }
    assert.ok(byProbes > 0.9 && bySome < 0.7, `${byProbes} ${bySome}`);
  });

  it("say how far their ranking can be relied on: more with more of them", async () => {
    const of = async (probes: number) =>
      (await measure(graph, { samples: SAMPLES, probes, layers: ["fc1"] })).layers[0]!.reliability!;
    const [few, many] = [await of(8), await of(256)];
    assert.ok(0 <= few && few < many && many <= 1 && many > 0.9, `${few} ${many}`);
  });

  it("leave out what takes every output by itself", async () => {
    const { layers } = await measure(graph, { samples: 8 }, (i) => i % OUTPUTS);
    for (const { meanAbs, contribution } of layers)
      assert.deepEqual([meanAbs, contribution], [[], []]);
  });
});

describe("Student's t at 97.5 %", () => {
  it("is that of the tables", () => {
    for (const [freedom, t] of [
      [7, 2.3646],
      [15, 2.1314],
      [31, 2.0395],
      [120, 1.9799],
    ] as const)
      assert.ok(Math.abs(student(freedom) - t) < 1e-3, `${freedom}: ${student(freedom)}`);
  });
});

describe("rank correlation", () => {
  it("is Spearman's, ties sharing their mean rank", () => {
    assert.equal(spearman([1, 2, 3], [10, 20, 30]), 1);
    assert.equal(spearman([1, 2, 3], [3, 2, 1]), -1);
    // scipy.stats.spearmanr([1, 2, 2, 3], [1, 3, 2, 4]) = 0.9486832980505138
    assert.ok(Math.abs(spearman([1, 2, 2, 3], [1, 3, 2, 4]) - 0.9486832980505138) < 1e-12);
  });
});
