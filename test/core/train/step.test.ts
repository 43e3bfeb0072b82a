import assert from "node:assert/strict";
import { constant, type Graph, input, type Value } from "#core/ir/graph.ts";
import { float32, known, size, type Tensor } from "#core/ir/tensor.ts";
import { evaluate } from "#core/runtime/reference.ts";
import { type LossKind, lossKind, lossOf, NoLoss } from "#core/train/loss.ts";
import { optimisers } from "#core/train/optimisers.ts";
import { NotTrainable, parametersOf, withWeights } from "#core/train/parameters.ts";
import { stepGraph } from "#core/train/step.ts";
import { image, normal, op, weights } from "../../support/build.ts";
import { coupledGraphs } from "../../support/coupled.ts";
import { boundTo } from "../../support/training.ts";

const B = 3;

/** Gradient of the weighted mean loss by a step of plain descent, and by differences of the loss. */
function gradients(graph: Graph, options: { loss?: LossKind; targets: Tensor; form?: "rows" }) {
  const parameters = parametersOf(graph, "all");
  const { targets, loss, form } = options;
  const step = stepGraph(graph, parameters, {
    optimiser: optimisers.sgd,
    ...(loss === undefined ? {} : { loss }),
    ...(form === undefined ? {} : { targets: form }),
  });
  const w = float32([B], [1, 0.5, 0]);
  const features = step.cut.head.inputs.slice(0, step.cut.features);
  const data = features.map((v, i) => normal(known(v.shape), 90 + i));
  const wide = step.parameters.map((p) => ({
    ...p.tensor,
    data: Float64Array.from(p.tensor.data),
  }));
  const run = (of: Graph, tensors: readonly Tensor[]) =>
    evaluate(of.outputs, new Map(of.inputs.map((v, i) => [v, tensors[i]!])));
  const [, , ...moved] = run(step.train, [...data, targets, w, float32([], [1]), ...wide]);
  const lossAt = (changed: readonly Tensor[]) =>
    run(step.evaluate, [...data, targets, w, ...changed])[0]!.data[0]! / 1.5;
  return wide.flatMap((tensor, p) => {
    const places = [0, tensor.data.length >> 1, tensor.data.length - 1];
    return places.map((at) => {
      const by = (h: number) =>
        lossAt(wide.with(p, { ...tensor, data: tensor.data.with(at, tensor.data[at]! + h) }));
      return {
        what: `${step.parameters[p]!.name}[${at}]`,
        found: tensor.data[at]! - moved[p]!.data[at]!,
        expected: (by(1e-5) - by(-1e-5)) / 2e-5,
      };
    });
  });
}

const classes = (...labels: number[]): Tensor => ({
  dtype: "int32",
  shape: [labels.length],
  data: Int32Array.from(labels),
});

function check(found: ReturnType<typeof gradients>): void {
  assert.ok(found.some((g) => Math.abs(g.expected) > 1e-4));
  for (const { what, found: a, expected: b } of found)
    assert.ok(Math.abs(a - b) <= 1e-6 + 1e-5 * Math.abs(b), `${what}: ${a}, not ${b}`);
}

/** x → 4 → `units`, then `end`. */
function mlp(units: number, end?: string): Graph {
  const x = image(B, 5);
  const hidden = op("Gemm", {}, [x, weights([5, 4], 1, "a.weight"), weights([4], 2, "a.bias")]);
  const z = op("Gemm", { transB: 1 }, [
    op("Tanh", {}, [hidden]),
    weights([units, 4], 3, "b.weight"),
    weights([units], 4, "b.bias"),
  ]);
  return { inputs: [x], outputs: [end === undefined ? z : op(end, {}, [z])] };
}

describe("one step of training", () => {
  const ways: [string, Graph, LossKind, Parameters<typeof gradients>[1]][] = [
    ["logits", mlp(3), "cross-entropy", { targets: classes(0, 2, 1) }],
    ["probabilities", mlp(3, "Softmax"), "cross-entropy", { targets: classes(0, 2, 1) }],
    ["logarithms", mlp(3, "LogSoftmax"), "cross-entropy", { targets: classes(0, 2, 1) }],
    ["one sigmoid", mlp(1, "Sigmoid"), "binary", { targets: classes(0, 1, 1) }],
    ["several sigmoids", mlp(3, "Sigmoid"), "binary", { targets: classes(0, 2, 1) }],
    ["one number", mlp(1), "squared", { targets: float32([B, 1], [4, -1, 2]) }],
    [
      "rows",
      mlp(3),
      "cross-entropy",
      { targets: float32([B, 3], [0.2, 0.5, 0.3, 1, 0, 0, 0, 0, 1]), form: "rows" },
    ],
  ];
  for (const [name, graph, kind, options] of ways)
    it(`follows the differences of the loss: ${name}`, () => {
      assert.equal(lossKind(graph), kind);
      check(gradients(graph, options));
    });

  for (const [name, make] of Object.entries(coupledGraphs))
    it(`follows the differences of the loss: ${name}`, () => {
      const { inputs, outputs } = boundTo(make(), B);
      const graph = { inputs, outputs: outputs.slice(0, 1) };
      const [, ...others] = known(outputs[0]!.shape);
      const squared = { loss: "squared", targets: normal([B, size(others)], 5) } as const;
      check(gradients(graph, others.length > 1 ? squared : { targets: classes(0, 1, 2) }));
    });

  it("sees the Softmax through reshaping", () => {
    const { inputs, outputs } = mlp(3, "Softmax");
    const shaped = op("Reshape", {}, [
      op("Identity", {}, outputs),
      constant({ dtype: "int64", shape: [3], data: Float64Array.of(B, 3, 1) }),
    ]);
    const x = normal([B, 5], 7);
    const at = (graph: Graph) => {
      const { each, targets } = lossOf(graph);
      const feeds = new Map([
        [inputs[0]!, x],
        [targets, classes(0, 1, 2)],
      ]);
      return [...evaluate([each], feeds)[0]!.data];
    };
    assert.deepEqual(at({ inputs, outputs: [shaped] }), at({ inputs, outputs }));
  });

  it("does not overflow for sure answers", () => {
    const z = image(2, 2);
    const { each, targets } = lossOf({ inputs: [z], outputs: [op("Softmax", {}, [z])] });
    const feeds = new Map([
      [z, float32([2, 2], [900, -900, -900, 900])],
      [targets, classes(0, 0)],
    ]);
    assert.deepEqual(Array.from(evaluate([each], feeds)[0]!.data, Math.abs), [0, 1800]);
  });

  it("counts what is right by weight, the first of equal outputs", () => {
    const z = image(3, 2);
    const { correct, targets } = lossOf({ inputs: [z], outputs: [z] });
    const feeds = new Map([
      [z, float32([3, 2], [1, 1, 0, 1, 0, 1])],
      [targets, classes(0, 1, 0)],
    ]);
    assert.deepEqual([...evaluate([correct!], feeds)[0]!.data], [1, 1, 0]);
  });

  it("refuses classes at several places", () => {
    const x = image(B, 4, 5);
    assert.throws(() => lossOf({ inputs: [x], outputs: [op("Relu", {}, [x])] }), NoLoss);
  });
});

describe("what is trained", () => {
  const names = (graph: Graph, choice: Parameters<typeof parametersOf>[1]) =>
    parametersOf(graph, choice).map((p) => p.name);

  /** Scaled input, convolution, Gelu written out, two dense layers. */
  function net(): Graph {
    const x = image(B, 2, 4, 4);
    const mean = weights([2, 1, 1], 1, "mean");
    const conv = op("Conv", {}, [op("Sub", {}, [x, mean]), weights([3, 2, 3, 3], 2, "conv.w")]);
    const half = op("Mul", {}, [conv, constant(float32([1], [0.5]), "half")]);
    const flat = op("Flatten", {}, [op("Clip", {}, [half, constant(float32([], [0]), "min")])]);
    const a = op("Gemm", {}, [flat, weights([12, 4], 3, "a.w"), weights([4], 4, "a.b")]);
    const kernel = op("Transpose", { perm: [1, 0] }, [weights([3, 4], 5, "b.w")]);
    const b = op("MatMul", {}, [op("Relu", {}, [a]), kernel]);
    return { inputs: [x], outputs: [op("Add", {}, [b, weights([3], 6, "b.b")])] };
  }

  it("all parameters, and no factors, limits or statistics", () =>
    assert.deepEqual(names(net(), "all"), ["conv.w", "a.w", "a.b", "b.w", "b.b"]));

  it("the head: dense layers behind the last features", () =>
    assert.deepEqual(names(net(), "head"), ["a.w", "a.b", "b.w", "b.b"]));

  it("layers by name, and what is not there", () => {
    const bound = boundTo(coupledGraphs.residual!(), B);
    assert.deepEqual(names(bound, ["a"]), ["a.weight", "a.bias", "bn1.weight", "bn1.bias"]);
    assert.throws(() => names(bound, ["nope"]), /there is no layer nope; there are stem, a, /);
  });

  it("no head where nothing dense comes behind the features", () => {
    const x = image(B, 2, 4, 4);
    const y = op("Conv", {}, [x, weights([3, 2, 4, 4], 2, "conv.w")]);
    assert.throws(
      () => names({ inputs: [x], outputs: [op("Flatten", {}, [y])] }, "head"),
      NotTrainable,
    );
  });

  it("refuses what no optimiser here takes", () => {
    const x = input("x", "float64", [B, 2]);
    const w = constant({ dtype: "float64", shape: [2, 3], data: new Float64Array(6) }, "w");
    const graph = { inputs: [x], outputs: [op("MatMul", {}, [x, w])] };
    const step = () => stepGraph(graph, parametersOf(graph, "all"), { optimiser: optimisers.adam });
    assert.throws(step, /float64/);
  });

  it("one parameter where a tensor is stored once and read twice", () => {
    const x = image(B, 4);
    const w = () => constant(normal([4, 4], 5), "w");
    const y = op("MatMul", {}, [op("Tanh", {}, [op("MatMul", {}, [x, w()])]), w()]);
    const graph = { inputs: [x], outputs: [y] };
    assert.deepEqual(names(graph, "all"), ["w"]);
    check(gradients(graph, { targets: classes(0, 3, 1) }));
  });

  it("puts numbers in by name, and nothing else changes", () => {
    const graph = net();
    const now = withWeights(graph, new Map([["b.b", Float32Array.of(1, 2, 3)]]));
    const feeds = new Map([[graph.inputs[0]!, normal([B, 2, 4, 4], 8)]]);
    const [before, after] = evaluate([graph.outputs[0]!, now.outputs[0]!], feeds);
    const bias = normal([3], 6, 1).data;
    after!.data.forEach((v, i) => {
      assert.ok(Math.abs(v - before!.data[i]! + bias[i % 3]! - ((i % 3) + 1)) < 1e-6);
    });
  });

  it("cuts where samples lead, and nowhere else", () => {
    const x: Value = input("x", "float32", [B, 5, 2]);
    const turned = op("Transpose", { perm: [1, 0, 2] }, [op("Tanh", {}, [x])]);
    const back = op("Transpose", { perm: [1, 0, 2] }, [
      op("MatMul", {}, [turned, weights([2, 2], 1, "w")]),
    ]);
    const last = op("MatMul", {}, [op("Flatten", {}, [back]), weights([10, 3], 2, "v")]);
    const graph = { inputs: [x], outputs: [last] };
    const cutOf = (name: string) =>
      stepGraph(
        graph,
        parametersOf(graph, "all").filter((p) => p.name === name),
        { optimiser: optimisers.sgd },
      ).cut;
    assert.equal(cutOf("w").prefix, undefined);
    assert.deepEqual(cutOf("v").head.inputs[0]!.shape, [B, 10]);
  });
});
