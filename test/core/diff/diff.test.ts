import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { encode } from "#core/compile/encode.ts";
import { diffModels, type GraphDiff } from "#core/diff/diff.ts";
import { noSiblings } from "#core/formats/format.ts";
import type { Model } from "#core/formats/model.ts";
import { formatOf } from "#core/formats/table.ts";
import { loadWeights } from "#core/formats/weights.ts";
import { constant, constantOf, type Graph, type Value } from "#core/ir/graph.ts";
import { rebuild } from "#core/ir/rewrite.ts";
import { float32 } from "#core/ir/tensor.ts";
import type { PlanFile } from "#core/prune/planFile/planFile.ts";
import { random } from "#core/random.ts";
import type { MatchedLayer } from "#protocol/views/diff.ts";
import { image, op, weights } from "../../support/build.ts";
import { coupledGraphs } from "../../support/coupled.ts";
import { exported, pytorchNetworks } from "../../support/pytorchModels.ts";
import { sourceOf } from "../formats/support.ts";

async function modelOf(bytes: Uint8Array, name = "m.onnx"): Promise<Model> {
  const { model, problems } = await formatOf(bytes.subarray(0, 256), name)!.read(
    sourceOf(bytes, name),
    noSiblings,
  );
  assert.deepEqual(problems, []);
  await loadWeights(model!.graph);
  return model!;
}

const fixture = (path: string) =>
  modelOf(new Uint8Array(readFileSync(`test/fixtures/${path}`)), path.split("/").at(-1)!);

const graphModel = (graph: Graph) => modelOf(encode(graph));

async function diffOf(a: Graph, b: Graph): Promise<GraphDiff> {
  return diffModels(await graphModel(a), await graphModel(b));
}

function layer(diff: GraphDiff, name: string): MatchedLayer {
  const found = diff.layers.find((l) => l.kind === "matched" && l.after === name);
  assert.ok(found?.kind === "matched", `no layer ${name}`);
  return found;
}

/** Two dense layers; `order` names them from the input on. */
function dense(order: readonly string[], { units = 6, seed = 1, names = order } = {}): Graph {
  const x = image("N", 6);
  let y = x;
  order.forEach((name, k) => {
    const own = seed + 10 * name.charCodeAt(0);
    const w = weights([6, units === 6 ? 6 : k === 0 ? 6 : units], own, `${names[k]}.weight`);
    y = op("Relu", {}, [op("MatMul", {}, [y, w], names[k]!)], `relu ${k}`);
  });
  return { inputs: [x], outputs: [y] };
}

/** Every stored number moved by a normal number times the share of the tensor's size. */
function retrained(graph: Graph, share: number): Graph {
  const { normal } = random(5);
  return rebuild(graph, (node) => {
    const value = node.outputs[0]!;
    if (node.operator !== "constant" || value.dtype !== "float32") return undefined;
    const { shape, data } = constantOf(value)!;
    const norm = Math.sqrt(Array.from(data).reduce((n, v) => n + v * v, 0) / data.length);
    const moved = Float32Array.from(data, (v) => v + share * norm * normal());
    return [constant(float32(shape, moved), node.name)];
  }).graph;
}

describe("the difference of two models", () => {
  for (const [name, make] of Object.entries(coupledGraphs))
    it(`is none between a model and itself: ${name}`, async () => {
      const diff = await diffOf(make(), make());
      assert.ok(diff.same);
      assert.deepEqual(diff.parameters.before, diff.parameters.after);
    });

  it("is ‖Δw‖ / ‖w‖ of each unit that changed", async () => {
    const net = (w: readonly number[], b: readonly number[]): Graph => {
      const x = image("N", 2);
      const weight = constant(float32([2, 2], w), "fc.weight");
      const bias = constant(float32([2], b), "fc.bias");
      return { inputs: [x], outputs: [op("Gemm", { transB: 1 }, [x, weight, bias], "fc")] };
    };
    // Unit 0: (3, 4, 0) → (3, 4, 0.5), 0.5 / 5. Unit 1: as it was.
    const diff = await diffOf(net([3, 4, 1, 1], [0, 2]), net([3, 4, 1, 1], [0.5, 2]));
    const { changed, removed, from } = layer(diff, "fc").units;
    assert.deepEqual(changed, [{ before: 0, after: 0, change: 0.1 }]);
    assert.deepEqual([removed, from], [[], [0, 1]]);
    assert.ok(!diff.same);
  });

  it("sees rounding as the same, and a change of one part in 100,000 as one", async () => {
    const net = dense(["a", "b"]);
    assert.ok((await diffOf(net, retrained(net, 1e-8))).same);
    const { changed } = layer(await diffOf(net, retrained(net, 1e-5)), "a").units;
    assert.equal(changed.length, 6);
  });

  it("finds the units of a retrained layer of which some are gone by the direction of their weights", async () => {
    const w = weights([40, 20], 3, "fc.weight");
    const net = (value: Value): Graph => {
      const x = image("N", 20);
      return {
        inputs: [x],
        outputs: [op("Relu", {}, [op("Gemm", { transB: 1 }, [x, value], "fc")])],
      };
    };
    const after = retrained(net(w), 0.1);
    const gone = [0, 7, 8, 31];
    const stored = after.outputs[0]!.node.inputs[0]!.node.inputs[1]!;
    const data = constantOf(stored)!.data;
    const kept = [...Array(40).keys()].filter((u) => !gone.includes(u));
    const rows = kept.flatMap((u) => [...data.subarray(20 * u, 20 * (u + 1))]);
    const smaller = constant(float32([kept.length, 20], rows), "fc.weight");
    const { units } = layer(await diffOf(net(w), net(smaller)), "fc");
    assert.deepEqual(units.removed, gone);
    assert.deepEqual(units.from, kept);
    assert.equal(units.unmatched, undefined);
    for (const { change } of units.changed) assert.ok(change > 0.04 && change < 0.25);
  });

  it("does not guess which unit is which where nothing is alike", async () => {
    const [a, b] = [dense(["a", "b"]), dense(["a", "b"], { units: 4, seed: 99 })];
    const { units } = layer(await diffOf(a, b), "b");
    assert.deepEqual(units.unmatched, { before: [0, 1, 2, 3, 4, 5], after: [0, 1, 2, 3] });
    assert.deepEqual([units.removed, units.added, units.changed], [[], [], []]);
  });

  it("tells layers that changed places by what they read", async () => {
    const diff = await diffOf(dense(["a", "b"]), dense(["b", "a"]));
    assert.deepEqual(
      layer(diff, "a")
        .changes.filter((c) => c.what === "reads")
        .map((c) => c.before),
      ["i0"],
    );
    assert.deepEqual(layer(diff, "a").units.changed, []);
    assert.ok(!diff.same);
  });

  it("finds layers of other names by their weights", async () => {
    const diff = await diffOf(dense(["a", "b"]), dense(["a", "b"], { names: ["first", "second"] }));
    const { by, before, units } = layer(diff, "second");
    assert.deepEqual([by, before, units.changed], ["weights", "b", []]);
  });

  it("tells attributes, activations and operators that differ", async () => {
    const net = (stride: number, activation: string, pool: number): Graph => {
      const x = image("N", 2, 8, 8);
      const conv = op(
        "Conv",
        { strides: [stride, stride] },
        [x, weights([3, 2, 1, 1], 1, "c.weight")],
        "c",
      );
      const y = op(activation, {}, [conv]);
      const out = op("MaxPool", { kernel_shape: [pool, pool], strides: [2, 2] }, [y], "pool");
      return { inputs: [x], outputs: [out] };
    };
    const diff = await diffOf(net(1, "Relu", 2), net(2, "Sigmoid", 3));
    assert.deepEqual(layer(diff, "c").changes, [
      { what: "strides", before: "", after: "2, 2" },
      { what: "followed by", before: "Relu", after: "Sigmoid" },
    ]);
    assert.deepEqual(diff.operators.length, 1);
    assert.equal(diff.operators[0]!.name, "pool");
  });

  it("tells layers and stored tensors that are new or gone", async () => {
    const diff = await diffOf(dense(["a", "b"]), dense(["a", "c", "b"]));
    assert.deepEqual(
      diff.layers.map((l) => (l.kind === "matched" ? l.after : `${l.kind} ${l.layer}`)),
      ["a", "added c", "b"],
    );
    const back = await diffOf(dense(["a", "c", "b"]), dense(["a", "b"]));
    assert.deepEqual(
      back.layers.map((l) => (l.kind === "matched" ? l.after : `${l.kind} ${l.layer}`)),
      ["a", "removed c", "b"],
    );
  });

  it("of a state_dict that PyTorch pruned is the units of the plan", async () => {
    const [a, b] = [
      await fixture("plans/module.safetensors"),
      await fixture("plans/expected.safetensors"),
    ];
    const plan = JSON.parse(readFileSync("test/fixtures/plans/plan.json", "utf8")) as PlanFile;
    const diff = diffModels(a, b);
    const removed = new Map(
      diff.layers.flatMap((l) =>
        l.kind === "matched" && l.units.removed.length > 0 ? [[l.after, l.units.removed]] : [],
      ),
    );
    assert.deepEqual(removed, new Map(plan.units!.map((u) => [u.layer, u.units])));
    for (const l of diff.layers)
      assert.ok(l.kind === "matched" && l.units.changed.length === 0 && !l.units.unmatched);
  });

  for (const network of pytorchNetworks)
    it(`knows the units of a network that PyTorch's two exporters wrote: ${network.name}`, async () => {
      const [a, b] = [
        await modelOf(exported(network, "script")),
        await modelOf(exported(network, "dynamo")),
      ];
      const diff = diffModels(a, b);
      for (const l of diff.layers) {
        assert.ok(l.kind === "matched");
        assert.deepEqual(
          [l.units.changed, l.units.removed, l.units.unmatched],
          [[], [], undefined],
        );
      }
    });

  it("knows the layers of a module in the graph that it was exported to", async () => {
    const [a, b] = [
      await fixture("plans/model.script.onnx"),
      await fixture("plans/module.safetensors"),
    ];
    const diff = diffModels(a, b);
    assert.equal(diff.notes.length, 1);
    // The exporter folded the normalisations into the others.
    for (const name of ["fc1", "fc2"]) {
      const { by, units } = layer(diff, name);
      assert.deepEqual([by, units.changed, units.unmatched], ["name", [], undefined]);
    }
    assert.ok(diff.layers.every((l) => l.kind === "matched"));
  });
});
