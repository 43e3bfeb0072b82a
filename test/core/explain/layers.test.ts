import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describeLayer, layersOf, parameterCount } from "#core/explain/layers.ts";
import { readout } from "#core/explain/readout.ts";
import { weightNorms } from "#core/explain/weightNorms.ts";
import { constant, constantOf, type Graph, input, type Value } from "#core/ir/graph.ts";
import { float32 } from "#core/ir/tensor.ts";
import { lstm as lstmOperator } from "#core/ops/lstm.ts";
import { evaluate } from "#core/runtime/reference.ts";
import { image, normal, normalisation, op, weights } from "../../support/build.ts";
import { assertNear } from "../../support/numbers.ts";
import { readWell } from "../formats/support.ts";

const graphOf = (x: Value, ...outputs: Value[]): Graph => ({ inputs: [x], outputs });
const names = (graph: Graph) => layersOf(graph).map((l) => l.name);

/** The name of a MatMul (and bias Add) whose things are called so. */
function named({ node = "", weight = "", bias = "" }): string {
  const x = image("N", 3);
  const y = op("MatMul", {}, [x, weights([3, 2], 1, weight)], node);
  const biased = bias === "" ? y : op("Add", {}, [y, weights([2], 2, bias)], "add");
  return names(graphOf(x, biased))[0]!;
}

describe("a layer's name", () => {
  it("is the module path of its weights", () => {
    assert.equal(named({ weight: "conv1.weight", node: "Conv_0" }), "conv1");
    assert.equal(named({ weight: "features.0.weight" }), "features.0");
    assert.equal(named({ weight: "layer1.0.conv1.weight" }), "layer1.0.conv1");
    assert.equal(named({ weight: "sequential/dense/kernel:0" }), "sequential/dense");
    assert.equal(named({ weight: "dense_1/kernel" }), "dense_1");
    assert.equal(named({ weight: "block.W" }), "block");
  });

  it("is the bias's module path where the exporter invented a name for the weights", () => {
    assert.equal(
      named({ weight: "onnx::MatMul_12", bias: "fc1.bias", node: "/fc1/MatMul" }),
      "fc1",
    );
  });

  it("is the path in the node's name where no initialiser has one", () => {
    assert.equal(named({ weight: "onnx::MatMul_12", node: "/fc1/MatMul" }), "fc1");
    assert.equal(named({ weight: "w", node: "/features/features.3/Conv" }), "features.3");
    assert.equal(named({ weight: "w", node: "/layer1/layer1.0/conv1/Conv" }), "layer1.0.conv1");
    assert.equal(named({ weight: "w", node: "/encoder/mlp/fc2/Gemm_1" }), "encoder.mlp.fc2");
  });

  it("is the node's own name else", () => {
    assert.equal(named({ weight: "Parameter193", node: "Times212" }), "Times212");
    assert.equal(
      named({ weight: "Parameter5", bias: "Parameter6", node: "Convolution28" }),
      "Convolution28",
    );
  });

  /** Dense layers one after the other, of nodes that are called so. */
  function chained(...nodes: string[]): readonly string[] {
    const x = image("N", 3);
    const y = nodes.reduce(
      (v, node, i) => op("MatMul", {}, [op("Tanh", {}, [v]), weights([3, 3], i)], node),
      x,
    );
    return names(graphOf(x, y));
  }

  it("is the layer's in the path of a TensorFlow node", () => {
    const call = "StatefulPartitionedCall";
    assert.deepEqual(
      chained(
        `${call}/model/dense/BiasAdd`,
        `${call}/model/dense_1/Tensordot/MatMul`,
        `${call}/model/attention/query/einsum/Einsum`,
        `${call}/model/block/dense/MatMul`,
        `${call}_1/functional/last/Relu`,
        `${call}/MatMul`,
        "model/plain/MatMul",
      ),
      [
        ...["dense", "dense_1", "attention/query", "block/dense", "last"],
        ...["MatMul", "model/plain/MatMul"],
      ],
    );
  });

  it("keeps as much of that path as tells it from every other layer", () => {
    const call = "StatefulPartitionedCall";
    assert.deepEqual(
      chained(
        `${call}/model/cell/MatMul`,
        `${call}/model/cell/MatMul_1`,
        `${call}/left/dense/MatMul`,
        `${call}/right/dense/MatMul`,
        `${call}/model/plain/MatMul`,
        "plain",
      ),
      [
        ...["cell/MatMul", "cell/MatMul_1"],
        ...["left/dense/MatMul", "right/dense/MatMul", "plain/MatMul", "plain"],
      ],
    );
  });

  it("is numbered where two layers have the same", () => {
    const x = image("N", 3);
    const shared = weights([3, 3], 1, "rnn.weight");
    const a = op("MatMul", {}, [x, shared]);
    assert.deepEqual(names(graphOf(x, op("MatMul", {}, [op("Tanh", {}, [a]), shared]))), [
      "rnn",
      "rnn#2",
    ]);
  });
});

describe("the layers of a graph", () => {
  it("reach over bias, normalisation and one activation", () => {
    const x = image("N", 2, 5, 5);
    const c = op("Conv", {}, [x, weights([4, 2, 3, 3], 1, "conv1.weight"), weights([4], 2, "b")]);
    const n = op("BatchNormalization", {}, [c, ...normalisation(4, 3, "bn")]);
    const a = op("Relu", {}, [n]);
    const flat = op("Flatten", { axis: 1 }, [
      op("GlobalAveragePool", {}, [op("Sigmoid", {}, [a])]),
    ]);
    const y = op("Softmax", { axis: 1 }, [
      op("Gemm", { transB: 1 }, [flat, weights([3, 4], 4, "fc.weight")]),
    ]);
    const [conv1, fc, ...others] = layersOf(graphOf(x, y));
    assert.deepEqual(others, []);
    assert.equal(conv1!.activation, a);
    assert.deepEqual([conv1!.units, conv1!.axis, conv1!.output], [4, 1, false]);
    assert.deepEqual([fc!.units, fc!.axis, fc!.output], [3, 1, true]);
    assert.equal(describeLayer(conv1!), "Conv 3x3  2 -> 4  BatchNormalization  Relu");
    assert.equal(describeLayer(fc!), "Gemm  4 -> 3");
    // 4·2·3² weights, 4 biases, 4 × 4 of the normalisation.
    assert.equal(parameterCount(conv1!), 72 + 4 + 16);
  });

  it("stop where several nodes read a value, as in a residual net", () => {
    const x = image("N", 2, 4, 4);
    const conv = (from: Value, name: string, seed: number) =>
      op("Conv", { pads: [1, 1, 1, 1] }, [from, weights([2, 2, 3, 3], seed, `${name}.weight`)]);
    const a = op("Relu", {}, [conv(x, "a", 1)]);
    const b = conv(a, "b", 2);
    const sum = op("Relu", {}, [op("Add", {}, [b, a])]);
    const y = op("Flatten", { axis: 1 }, [op("GlobalAveragePool", {}, [conv(sum, "c", 3)])]);
    const [first, second] = layersOf(graphOf(x, y));
    assert.equal(first!.activation, a, "its own activation has two readers, and is its last");
    assert.equal(second!.activation, b, "an Add of two signals is no bias");
    const branching = conv(x, "d", 4);
    const two = op("Concat", { axis: 1 }, [
      op("Relu", {}, [branching]),
      op("Tanh", {}, [branching]),
    ]);
    assert.equal(layersOf(graphOf(x, two))[0]!.activation, branching);
  });

  it("have only constant weights", () => {
    const x = image("N", 3, 3);
    assert.deepEqual(names(graphOf(x, op("MatMul", {}, [x, x]))), []);
  });

  it("know dense units in the last axis", () => {
    const x = image("N", 7, 3);
    const [layer] = layersOf(
      graphOf(x, op("Relu", {}, [op("MatMul", {}, [x, weights([3, 5], 1)])])),
    );
    assert.deepEqual([layer!.units, layer!.axis], [5, 2]);
  });
});

describe("activations written as several nodes", () => {
  const scalar = (value: number) => constant(float32([], [value]));
  const mul = (a: Value, b: Value) => op("Mul", {}, [a, b]);
  const add = (a: Value, b: Value) => op("Add", {}, [a, b]);
  const forms: Readonly<Record<string, (v: Value) => Value>> = {
    Silu: (v) => mul(v, op("Sigmoid", {}, [v])),
    Gelu: (v) => {
      const erf = op("Erf", {}, [op("Div", {}, [v, scalar(Math.SQRT2)])]);
      return mul(mul(v, add(erf, scalar(1))), scalar(0.5));
    },
    HardSwish: (v) => {
      const gate = op("Clip", {}, [add(v, scalar(3)), scalar(0), scalar(6)]);
      return op("Div", {}, [mul(v, gate), scalar(6)]);
    },
    LeakyRelu: (v) => op("Max", {}, [v, mul(v, scalar(0.1))]),
    Mish: (v) => mul(v, op("Tanh", {}, [op("Softplus", {}, [v])])),
  };
  for (const [name, form] of Object.entries(forms))
    it(`are seen as one: ${name}`, () => {
      const x = image("N", 7, 3);
      const dense = op("MatMul", {}, [x, weights([3, 5], 1, "fc.weight")]);
      const biased = op("Add", {}, [dense, weights([5], 2, "fc.bias")]);
      const a = form(biased);
      const y = op("MatMul", {}, [a, weights([5, 2], 3, "out.weight")]);
      const [layer] = layersOf(graphOf(x, y));
      assert.equal(layer!.activation, a);
      assert.equal(describeLayer(layer!), `MatMul  3 -> 5  ${name}`);
      assert.equal(parameterCount(layer!), 15 + 5);
    });

  it("are none where another signal comes in, or something else reads the unit", () => {
    const x = image("N", 4);
    const dense = op("MatMul", {}, [x, weights([4, 4], 1, "fc.weight")]);
    const gated = mul(dense, op("Sigmoid", {}, [op("MatMul", {}, [x, weights([4, 4], 2, "g")])]));
    assert.equal(layersOf(graphOf(x, gated))[0]!.activation, dense);
    const sigmoid = op("Sigmoid", {}, [dense]);
    const both = { inputs: [x], outputs: [mul(dense, sigmoid), sigmoid] };
    assert.equal(layersOf(both)[0]!.activation, dense);
    const mixing = mul(dense, op("Softmax", { axis: 1 }, [dense]));
    assert.equal(layersOf(graphOf(x, mixing))[0]!.activation, dense);
  });
});

describe("layers of other kinds", () => {
  it("are transposed and depthwise convolutions, their units the channels", () => {
    const x = image("N", 4, 5, 5);
    const up = op("ConvTranspose", { strides: [2, 2] }, [x, weights([4, 6, 2, 2], 1, "up.weight")]);
    const depthwise = op("Relu", {}, [
      op("Conv", { group: 6 }, [up, weights([6, 1, 3, 3], 2, "dw.weight")]),
    ]);
    const [first, second] = layersOf(graphOf(x, depthwise));
    assert.deepEqual([first!.name, first!.units, first!.axis], ["up", 6, 1]);
    assert.equal(describeLayer(first!), "ConvTranspose 2x2  4 -> 6");
    assert.deepEqual([second!.units, second!.activation], [6, depthwise]);
    // The norm of what leads into each unit: W[:, u].
    const w = [...constantOf(first!.weights)!.data];
    const [up0] = weightNorms(graphOf(x, depthwise)).layers;
    const expected = Array.from({ length: 6 }, (_, u) =>
      Math.hypot(...w.filter((_, i) => Math.floor(i / 4) % 6 === u)),
    );
    assertNear(up0!.importance, expected, 1e-6);
  });

  it("scale by constants before the activation, as a frozen normalisation does", () => {
    const x = image("N", 2, 4, 4);
    const conv = op("Conv", {}, [x, weights([3, 2, 3, 3], 1, "conv.weight")]);
    const scaled = op("Mul", {}, [conv, weights([3, 1, 1], 2, "scale")]);
    const a = op("Relu", {}, [op("Add", {}, [scaled, weights([3, 1, 1], 3, "shift")])]);
    assert.equal(layersOf(graphOf(x, a))[0]!.activation, a);
  });

  it("have weights that are stored otherwise: quantised, transposed", () => {
    const x = image("N", 3);
    const stored = constant({ dtype: "int8", shape: [5, 3], data: new Int8Array(15) }, "fc.weight");
    const real = op("DequantizeLinear", { axis: 0 }, [stored, constant(float32([], [0.1]), "s")]);
    const y = op("MatMul", {}, [x, op("Transpose", { perm: [1, 0] }, [real])]);
    const [layer] = layersOf(graphOf(x, y));
    assert.deepEqual([layer!.name, layer!.units], ["fc", 5]);
  });

  it("count no first state that is as long as the batch", async () => {
    const file = new URL("../../fixtures/pytorchModels/lstm.script.onnx", import.meta.url);
    const { graph } = await readWell(new Uint8Array(readFileSync(file)));
    // Both ways W, R and two biases: 2 (32·6 + 32·8 + 64), then 2 (32·16 + 32·8 + 64).
    assert.deepEqual(layersOf(graph).map(parameterCount), [36, 1024, 1664, 85]);
  });

  it("are recurrent: the hidden units, over time or in the last state, whichever is read", () => {
    const x = input("x", "float32", [7, 1, 3]);
    const lstm = lstmOperator.node({ hidden_size: 4 }, [
      x,
      weights([1, 16, 3], 1, "lstm.W"),
      weights([1, 16, 4], 2, "lstm.R"),
    ]);
    for (const which of [0, 1]) {
      const value = lstm.outputs[which]!;
      const y = op("MatMul", {}, [value, weights([4, 2], 3, "out.weight")]);
      const [layer] = layersOf({ inputs: [x], outputs: [y] });
      assert.deepEqual([layer!.name, layer!.units, layer!.activation], ["lstm", 4, value]);
      assert.equal(layer!.axis, value.shape.length - 1);
      assert.equal(describeLayer(layer!), "LSTM  3 -> 4");
    }
  });
});

describe("what is differentiated", () => {
  const x = image(2, 3);
  const z = op("MatMul", {}, [x, weights([3, 4], 1)]);
  const run = (v: Value) => evaluate([v], new Map([[x, normal([2, 3], 5)]]))[0]!;

  it("are the softmax of logits, added where a classifier returns logits", () => {
    const found = readout(graphOf(x, z), "probabilities");
    assert.deepEqual([found.kind, found.count, found.z], ["softmax", 4, z]);
    assertNear(run(found.y).data, run(op("Softmax", { axis: 1 }, [z])).data, 1e-12);
  });

  it("are the model's own probabilities where it ends in Softmax or Sigmoid", () => {
    for (const [type, kind] of [
      ["Softmax", "softmax"],
      ["Sigmoid", "sigmoid"],
    ] as const) {
      const y = op(type, type === "Softmax" ? { axis: 1 } : {}, [z]);
      const found = readout(graphOf(x, y), "probabilities");
      assert.deepEqual([found.kind, found.y, found.z], [kind, y, z]);
      const logits = readout(graphOf(x, y), "logits");
      assert.deepEqual([logits.kind, logits.y, logits.z], ["linear", z, z]);
    }
  });

  it("is a single output as it is", () => {
    const one = op("MatMul", {}, [x, constant(float32([3, 1], [1, 2, 3]))]);
    const found = readout(graphOf(x, one), "probabilities");
    assert.deepEqual([found.kind, found.y, found.count], ["linear", one, 1]);
  });

  it("is flat, whatever axes the outputs have", () => {
    const maps = image(2, 3, 1, 2);
    const found = readout(graphOf(maps, op("Tanh", {}, [maps])), "probabilities");
    assert.deepEqual(found.y.shape, [2, 6]);
  });
});
