import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { batchNormScales } from "#core/explain/criteria/bnScale.ts";
import { addTaylor, compileTaylor } from "#core/explain/criteria/taylor.ts";
import type { Feed } from "#core/explain/importance/compute.ts";
import { layersOf } from "#core/explain/layers.ts";
import { readout } from "#core/explain/readout.ts";
import { weightNorms } from "#core/explain/weightNorms.ts";
import { bindBatch } from "#core/formats/batch.ts";
import { loadWeights } from "#core/formats/weights.ts";
import { constant, type Graph, type Value } from "#core/ir/graph.ts";
import { rebuild } from "#core/ir/rewrite.ts";
import { float32, known, type Tensor } from "#core/ir/tensor.ts";
import { mul } from "#core/ops/mul.ts";
import { InvalidNode, operator, refuse } from "#core/ops/operator.ts";
import { evaluate } from "#core/runtime/reference.ts";
import { arraysOf } from "../../support/arrays.ts";
import { image, op, weights } from "../../support/build.ts";
import { coupledGraphs } from "../../support/coupled.ts";
import { assertNear, assertRelative } from "../../support/numbers.ts";
import { referenceRuntime } from "../../support/referenceRuntime.ts";
import { readWell } from "../formats/support.ts";

const file = (name: string) =>
  fileURLToPath(new URL(`../../fixtures/criteria/${name}`, import.meta.url));
const expected = JSON.parse(readFileSync(file("expected.json"), "utf8")) as Record<
  string,
  Record<string, { taylor: number[]; weightNorm: number[]; bnScale?: number[] }>
>;

/** Graph for a batch of 16 and the samples that go with it. */
async function fixture(name: string) {
  const { graph } = await readWell(new Uint8Array(readFileSync(file(`${name}.onnx`))));
  await loadWeights(graph);
  const arrays = arraysOf(readFileSync(file(`${name}.npz`)));
  return { graph, batched: bound(graph, 16), x: arrays.get("x")!, y: arrays.get("y")! };
}

function bound(graph: Graph, batch: number): Graph {
  const result = bindBatch(graph, batch);
  assert.ok(result.kind === "bound");
  return result.graph;
}

async function* batches(x: Tensor, y: Tensor, size: number, first = 0): AsyncGenerator<Feed> {
  const [count] = x.shape as [number];
  const each = x.data.length / count;
  for (let from = first; from < count; from += size) {
    const to = Math.min(count, from + size);
    yield {
      from,
      count: to - from,
      inputs: [Float32Array.from(x.data.slice(from * each, to * each))],
      labels: Int32Array.from(y.data.slice(from, to)),
    };
  }
}

describe("what ranks units", () => {
  for (const [name, layers] of Object.entries(expected)) {
    it(`taylor is PyTorch's |Σ a·∂L/∂a| of ${name}`, async () => {
      const { batched, x, y } = await fixture(name);
      const run = await compileTaylor(referenceRuntime, batched);
      const found = await run.run(batches(x, y, 16));
      assert.equal(found.samples, 50);
      for (const [layer, { taylor }] of Object.entries(layers)) {
        const k = run.targets.findIndex((t) => t.layer === layer);
        const mean = Array.from(found.sums[k]!, (s) => s / found.samples);
        assertRelative(mean, taylor, { tolerance: 1e-5, what: `${layer}` });
      }
      await run.release();
    });

    it(`bn-scale and weight-norm are PyTorch's of ${name}`, async () => {
      const { graph } = await fixture(name);
      const { scores, unscored } = batchNormScales(graph);
      const norms = new Map(weightNorms(graph).layers.map((l) => [l.name, l.importance]));
      for (const [layer, { bnScale, weightNorm }] of Object.entries(layers)) {
        assertRelative(norms.get(layer)!, weightNorm, { tolerance: 1e-6 });
        if (bnScale !== undefined) assertRelative(scores.get(layer)!, bnScale, { tolerance: 1e-6 });
        else assert.match(unscored.get(layer)!, /^no BatchNormalization follows it/);
        assert.equal(scores.has(layer), bnScale !== undefined);
      }
    });
  }

  it("taylor sums merge to those of all samples", async () => {
    const { batched, x, y } = await fixture("residual");
    const run = await compileTaylor(referenceRuntime, batched, ["conv3", "fc1"]);
    assert.deepEqual(
      run.targets.map((t) => t.layer),
      ["conv3", "fc1"],
    );
    const whole = await run.run(batches(x, y, 16));
    const start = { ...x, shape: [16, ...x.shape.slice(1)], data: x.data.slice(0, 16 * 288) };
    const merged = addTaylor(
      await run.run(batches(start, y, 16)),
      await run.run(batches(x, y, 16, 16)),
    );
    assert.equal(merged.samples, whole.samples);
    whole.sums.forEach((sum, k) => {
      assertNear(merged.sums[k]!, sum, 1e-9);
    });
  });

  it("taylor is the loss's derivative by a factor on the unit", async () => {
    for (const name of ["residual", "mobile", "squeeze", "attention"] as const) {
      const graph = bound(coupledGraphs[name]!(), 2);
      const [x] = graph.inputs as [Value];
      const shape = known(x.shape);
      const data = Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) =>
        Math.sin(1 + i * 1.7),
      );
      const z = readout(graph, "probabilities").z;
      const classes = known(z.shape)[1]!;
      const labels = Int32Array.from([classes - 1, 0]);
      const run = await compileTaylor(referenceRuntime, graph);
      const feed = { from: 0, count: 2, inputs: [data], labels };
      const found = await run.run(
        (async function* () {
          yield feed;
        })(),
      );
      for (const layer of layersOf(graph).filter((l) => !l.output)) {
        const k = run.targets.findIndex((t) => t.layer === layer.name);
        const expected = Array.from({ length: layer.units }, (_, u) => {
          const loss = (factor: number) =>
            losses(scaled(graph, layer.activation, layer.axis, u, factor), x, data, labels);
          const [more, less] = [loss(1 + STEP), loss(1 - STEP)];
          return more.reduce((sum, l, s) => sum + Math.abs((l - less[s]!) / (2 * STEP)), 0);
        });
        assertRelative(found.sums[k]!, expected, {
          tolerance: 1e-4,
          floor: 1e-3,
          what: `${name} ${layer.name}`,
        });
      }
    }
  }).timeout(60_000);

  it("taylor needs labels, and a classifier", async () => {
    const { batched, x, y } = await fixture("residual");
    const run = await compileTaylor(referenceRuntime, batched);
    const unlabelled = (async function* () {
      for await (const { labels: _labels, ...feed } of batches(x, y, 16)) yield feed;
    })();
    await assert.rejects(run.run(unlabelled), /taylor needs labels: name them with the data/);
    const input = image(4, 3);
    const one = op("MatMul", {}, [input, weights([3, 1], 1, "fc.weight")], "fc");
    await assert.rejects(
      compileTaylor(referenceRuntime, { inputs: [input], outputs: [one] }),
      /taylor takes the loss of a classifier/,
    );
  });

  for (const [what, gradient, because] of [
    ["has no gradient", "missing", "Odd odd1 has no gradient"],
    ["has none for this case", refused, "Odd odd1 has no gradient: only other cases"],
  ] as const)
    it(`taylor names the layers before an operator that ${what}`, async () => {
      const odd = operator<object>({
        type: "Odd",
        infer: ([v]) => [{ dtype: v!.dtype, shape: v!.shape }],
        evaluate: ([v]) => [v!],
        gradient,
        channels: () => refuse("nobody knows"),
        examples: [],
      });
      const x = image(4, 3);
      const first = op("Relu", {}, [op("MatMul", {}, [x, weights([3, 4], 1, "first.weight")])]);
      const between = odd.node({}, [first], "odd1").outputs[0]!;
      const second = op("Tanh", {}, [
        op("MatMul", {}, [between, weights([4, 5], 2, "second.weight")]),
      ]);
      const out = op("MatMul", {}, [second, weights([5, 2], 3, "out.weight")]);
      const run = await compileTaylor(referenceRuntime, { inputs: [x], outputs: [out] });
      assert.deepEqual(run.refusals, [{ layer: "first", op: "MatMul", because }]);
      assert.deepEqual(
        run.targets.map((t) => t.layer),
        ["second", "out"],
      );
    });
});

function refused(): never {
  throw new InvalidNode("only other cases");
}

/** Exact in float32. */
const STEP = 2 ** -12;

/** The graph with one unit's activation times a factor, wherever it is read. */
function scaled(graph: Graph, value: Value, axis: number, unit: number, factor: number): Graph {
  const shape = value.shape.map((d, i) => (i === axis ? (d as number) : 1));
  const factors = new Float32Array(shape[axis]!).fill(1);
  factors[unit] = factor;
  return rebuild(graph, (node, inputs) => {
    if (node !== value.node || typeof node.operator === "string") return undefined;
    const { outputs } = node.operator.node(node.attrs, inputs, node.name);
    return outputs.map((v, i) =>
      i === value.index ? mul({}, v, constant(float32(shape, factors))) : v,
    );
  }).graph;
}

/** Cross-entropy of each sample, in float64. */
function losses(graph: Graph, x: Value, data: Float32Array, labels: Int32Array): number[] {
  const { z } = readout(graph, "probabilities");
  const [found] = evaluate([z], new Map([[x, float32(known(x.shape), data)]]));
  const m = found!.shape[1]!;
  return Array.from(labels, (label, s) => {
    const row = Array.from(found!.data.slice(s * m, (s + 1) * m));
    const largest = Math.max(...row);
    const sum = row.reduce((total, v) => total + Math.exp(v - largest), 0);
    return Math.log(sum) + largest - row[label]!;
  });
}
