import assert from "node:assert/strict";
import fc from "fast-check";
import { encode } from "#core/compile/encode.ts";
import { layersOf } from "#core/explain/layers.ts";
import { noSiblings } from "#core/formats/format.ts";
import { onnx } from "#core/formats/onnx/onnx.ts";
import { loadWeights } from "#core/formats/weights.ts";
import { constant, type Graph, type Value } from "#core/ir/graph.ts";
import { int64, type Tensor } from "#core/ir/tensor.ts";
import { verify } from "#core/ir/verify.ts";
import { maskUnits } from "#core/prune/mask.ts";
import { fixedBecause, type PrunePlan, planPrune, type UnitSet } from "#core/prune/plan.ts";
import { evaluate } from "#core/runtime/reference.ts";
import { image, normal, normalisation, op, weights } from "../../support/build.ts";
import { anyChain, type ChainSpec, chainOf } from "../../support/chain.ts";
import { assertNear } from "../../support/numbers.ts";
import { bytesOf, readWell, sourceOf } from "../formats/support.ts";

const graphOf = (x: Value, ...outputs: Value[]): Graph => ({ inputs: [x], outputs });

function plan(graph: Graph, ...sets: UnitSet[]): PrunePlan {
  const planned = planPrune(graph, sets);
  if ("refusal" in planned) assert.fail(`${planned.refusal.at}: ${planned.refusal.because}`);
  return planned.plan;
}

function refusal(graph: Graph, ...sets: UnitSet[]): string {
  const planned = planPrune(graph, sets);
  assert.ok("refusal" in planned, "not refused");
  return `${planned.refusal.at}: ${planned.refusal.because}`;
}

const cuts = ({ edits }: PrunePlan) =>
  edits.map((e) =>
    "attribute" in e
      ? `node ${e.node} ${e.attribute} = ${e.value}`
      : "replace" in e
        ? `${e.tensor} = ${e.replace.join(" ")}`
        : "write" in e
          ? `${e.tensor} written`
          : `${e.tensor}[${e.axis}] - ${e.remove.join(" ")}`,
  );

/** Conv 4, BatchNormalization, Relu, MaxPool to 2×2, Flatten, Gemm 3. */
function lenet(): Graph {
  const x = image("N", 2, 4, 4);
  const w = weights([4, 2, 3, 3], 1, "conv1.weight");
  const c = op("Conv", { pads: [1, 1, 1, 1] }, [x, w, weights([4], 2, "conv1.bias")]);
  const n = op("BatchNormalization", {}, [c, ...normalisation(4, 3, "bn1")]);
  const p = op("MaxPool", { kernel_shape: [2, 2], strides: [2, 2] }, [op("Relu", {}, [n])]);
  const flat = op("Flatten", { axis: 1 }, [p]);
  const y = op("Gemm", { transB: 1 }, [flat, weights([3, 16], 9, "fc.weight")]);
  return graphOf(x, y);
}

describe("planning a prune", () => {
  it("cuts a filter, its bias, its normalisation and the columns behind Flatten", () => {
    assert.deepEqual(cuts(plan(lenet(), { layer: "conv1", units: [2] })), [
      "conv1.weight[0] - 2",
      "conv1.bias[0] - 2",
      "bn1.weight[0] - 2",
      "bn1.bias[0] - 2",
      "bn1.running_mean[0] - 2",
      "bn1.running_var[0] - 2",
      // Each filter has 2 × 2 positions after pooling.
      "fc.weight[1] - 8 9 10 11",
    ]);
  });

  it("masks the units where they are summed up", () => {
    const { masks } = plan(lenet(), { layer: "conv1", units: [0, 3] });
    assert.equal(masks.length, 1);
    const [{ input, axis, indices }] = masks as [PrunePlan["masks"][number]];
    assert.deepEqual(
      { input, axis, indices },
      { input: 0, axis: 1, indices: [0, 1, 2, 3, 12, 13, 14, 15] },
    );
  });

  it("joins several sets of one layer, whatever their order", () => {
    const conv = (units: number[]) => ({ layer: "conv1", units });
    const { removed, edits } = plan(lenet(), conv([3]), conv([1, 3]));
    assert.deepEqual(removed, [conv([1, 3])]);
    assert.deepEqual(edits, plan(lenet(), conv([1, 3])).edits);
  });

  it("cuts both sides of a weight between two pruned layers", () => {
    const x = image("N", 3);
    const a = op("Relu", {}, [op("MatMul", {}, [x, weights([3, 4], 1, "a.weight")])]);
    const b = op("MatMul", {}, [a, weights([4, 5], 2, "b.weight")]);
    const biased = op("Add", {}, [weights([5], 3, "b.bias"), b]);
    const y = op("MatMul", {}, [op("Tanh", {}, [biased]), weights([5, 2], 4, "c.weight")]);
    assert.deepEqual(
      cuts(plan(graphOf(x, y), { layer: "a", units: [1] }, { layer: "b", units: [0, 4] })),
      [
        "a.weight[1] - 1",
        "b.weight[0] - 1",
        "b.weight[1] - 0 4",
        "b.bias[0] - 0 4",
        "c.weight[0] - 0 4",
      ],
    );
  });

  it("rewrites a Reshape that names the length", () => {
    const x = image("N", 1, 2, 2);
    const conv = op("Conv", {}, [x, weights([3, 1, 1, 1], 1, "conv.weight")]);
    const flat = op("Reshape", {}, [conv, constant(int64([2], [0, 12]), "target")]);
    const y = op("MatMul", {}, [flat, weights([12, 2], 2, "fc.weight")]);
    assert.deepEqual(cuts(plan(graphOf(x, y), { layer: "conv", units: [0, 2] })), [
      "conv.weight[0] - 0 2",
      "fc.weight[0] - 0 1 2 3 8 9 10 11",
      "target = 0 4",
    ]);
  });

  it("follows every reader of the units", () => {
    const x = image("N", 3);
    const a = op("Relu", {}, [op("MatMul", {}, [x, weights([3, 4], 1, "a.weight")])]);
    const [y, z] = ["y", "z"].map((name, i) =>
      op("MatMul", {}, [a, weights([4, 2], 2 + i, `${name}.weight`)]),
    );
    assert.deepEqual(cuts(plan(graphOf(x, y!, z!), { layer: "a", units: [3] })), [
      "a.weight[1] - 3",
      "y.weight[0] - 3",
      "z.weight[0] - 3",
    ]);
  });

  it("gives what the masked original gives, on random chains", async () => {
    await fc.assert(fc.asyncProperty(anyChain, prunedIsMasked), { numRuns: 40, seed: 7 });
  }).timeout(60_000);
});

describe("a prune that cannot be", () => {
  it("is refused for the outputs of the model", () => {
    assert.equal(
      refusal(lenet(), { layer: "fc", units: [0] }),
      "fc: its units are the outputs of the model",
    );
  });

  it("is refused for a layer that is not there, naming those that are", () => {
    assert.equal(
      refusal(lenet(), { layer: "conv7", units: [0] }),
      "conv7: there is no layer conv7; there are conv1, fc",
    );
  });

  it("is refused for a unit that is not there", () => {
    for (const unit of [4, -1, 0.5])
      assert.equal(
        refusal(lenet(), { layer: "conv1", units: [unit] }),
        `conv1: there is no unit ${unit}: conv1 has units 0 to 3`,
      );
  });

  it("is refused for all units of a layer", () => {
    assert.equal(
      refusal(lenet(), { layer: "conv1", units: [0, 1, 2, 3] }),
      "conv1: at least one unit must stay",
    );
  });

  it("is refused for weights that are shared with a layer whose units are the model's inputs", () => {
    const x = image("N", 4);
    const shared = weights([4, 4], 1, "shared.weight");
    const a = op("Relu", {}, [op("MatMul", {}, [x, shared], "first")]);
    const b = op("Relu", {}, [op("MatMul", {}, [a, shared], "second")]);
    const graph = graphOf(x, op("MatMul", {}, [b, weights([4, 2], 2, "fc.weight")]));
    assert.equal(
      refusal(graph, { layer: "shared", units: [0] }),
      "input x: its units are an input of the model",
    );
  });

  it("is refused where the units are an output of the model as well", () => {
    const x = image("N", 3);
    const hidden = op("Relu", {}, [op("MatMul", {}, [x, weights([3, 4], 1, "a.weight")])], "act");
    const y = op("MatMul", {}, [hidden, weights([4, 2], 2, "b.weight")]);
    assert.match(
      refusal(graphOf(x, y, hidden), { layer: "a", units: [0] }),
      /outputs? of the model/,
    );
  });

  it("is known before any unit is chosen", () => {
    const [conv, fc1] = layersOf(lenet());
    assert.equal(fixedBecause(lenet(), conv!), undefined);
    assert.equal(fixedBecause(lenet(), fc1!)?.because, "its units are the outputs of the model");
  });
});

/** The edited file, read again, computes what the original computes with the units masked to 0. */
async function prunedIsMasked(spec: ChainSpec): Promise<void> {
  const { graph, removed } = chainOf(spec);
  const bytes = encode(graph);
  const original = await readWell(bytes);
  const { edits, masks } = plan(original.graph, ...removed);
  const edited = await onnx.applyEdits(sourceOf(bytes), noSiblings, edits);
  assert.deepEqual(edited.problems, []);
  const smaller = await bytesOf(edited.file!.pieces());
  assert.equal(smaller.length, edited.file!.size);
  assert.ok(smaller.length < bytes.length);
  const pruned = await readWell(smaller);
  verify(pruned.graph);
  for (const { layer, units } of removed) {
    const find = (g: Graph) => layersOf(g).find((l) => l.name === layer)!.units;
    assert.equal(find(pruned.graph), find(original.graph) - units.length);
  }
  await loadWeights(original.graph);
  await loadWeights(pruned.graph);
  const masked = maskUnits(original.graph, masks);
  verify(masked);
  const x = normal([3, 2, 8, 8], 5);
  assertNear(run(pruned.graph, x).data, run(masked, x).data, 1e-9);
}

const run = ({ inputs, outputs }: Graph, x: Tensor): Tensor =>
  evaluate([outputs[0]!], new Map([[inputs[0]!, x]]))[0]!;
