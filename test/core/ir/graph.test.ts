import assert from "node:assert/strict";
import {
  constant,
  consumers,
  type Graph,
  input,
  makeNode,
  topological,
  type Value,
} from "#core/ir/graph.ts";
import { print } from "#core/ir/print.ts";
import { rebuild } from "#core/ir/rewrite.ts";
import { float32, tensor } from "#core/ir/tensor.ts";
import { verify } from "#core/ir/verify.ts";
import { operatorOfType } from "#core/ops/index.ts";
import { image, op, weights } from "../../support/build.ts";

describe("the check of a graph", () => {
  const x = image("N", 3);
  const relu = operatorOfType.get("Relu")!;

  it("accepts what operators made", () => {
    verify({ inputs: [x], outputs: [op("MatMul", {}, [op("Relu", {}, [x]), weights([3, 2], 1)])] });
  });

  it("names the node whose type is not what its operator infers", () => {
    const wrong = makeNode(relu, [x], {}, [{ dtype: "float32", shape: ["N", 4] }], "act");
    assert.throws(
      () => verify({ inputs: [x], outputs: wrong.outputs }),
      /Relu act: output 0 is float32\[N, 4\], not float32\[N, 3\]/,
    );
    const dtype = makeNode(relu, [x], {}, [{ dtype: "int64", shape: ["N", 3] }], "act");
    assert.throws(
      () => verify({ inputs: [x], outputs: dtype.outputs }),
      /Relu act: output 0 is int64/,
    );
    const more = makeNode(relu, [x], {}, [x, x], "act");
    assert.throws(() => verify({ inputs: [x], outputs: [more.outputs[1]!] }), /Relu act: output 1/);
  });

  it("finds a wrong node behind right ones", () => {
    const wrong = makeNode(relu, [x], {}, [{ dtype: "float32", shape: [7] }], "deep").outputs[0]!;
    assert.throws(() => verify({ inputs: [x], outputs: [op("Tanh", {}, [wrong])] }), /Relu deep/);
  });

  it("names an input that is not listed", () => {
    assert.throws(
      () => verify({ inputs: [], outputs: [op("Relu", {}, [x])] }),
      /input x: not among the inputs of the graph/,
    );
  });

  it("names a constant that does not fill its shape", () => {
    const torn = { dtype: "float32" as const, shape: [2, 2], data: new Float32Array(3) };
    assert.throws(
      () => verify({ inputs: [], outputs: [constant(torn, "w")] }),
      /constant w: wrong size/,
    );
    assert.throws(
      () => tensor("float32", [2, 2], new Float32Array(3)),
      /3 values for shape \[2, 2\]/,
    );
  });
});

describe("a printed graph", () => {
  it("has one line a node, with attributes and types", () => {
    const x = image("N", 1, 4, 4);
    const conv = op("Conv", { strides: [2, 2] }, [x, weights([2, 1, 2, 2], 1, "w"), undefined]);
    const y = op("Flatten", { axis: 1 }, [op("Relu", {}, [conv])]);
    assert.equal(
      print({ inputs: [x], outputs: [y, x] }),
      `x = input : float32[N, 1, 4, 4]
w = constant : float32[2, 1, 2, 2]
%0 = Conv(x, w, ) {strides: 2,2} : float32[N, 2, 2, 2]
%1 = Relu(%0) : float32[N, 2, 2, 2]
%2 = Flatten(%1) {axis: 1} : float32[N, 8]
return %2, x`,
    );
  });
});

describe("walking a graph", () => {
  it("meets every node once, after its inputs", () => {
    const x = image(2);
    const a = op("Relu", {}, [x]);
    const y = op("Add", {}, [op("Mul", {}, [a, a]), op("Neg", {}, [a])]);
    const order = topological([y, a]);
    assert.equal(new Set(order).size, order.length);
    order.forEach((node, i) => {
      for (const v of node.inputs) assert.ok(order.indexOf(v!.node) < i);
    });
  });

  it("does not deepen the stack", () => {
    let value: Value = image(1);
    for (let i = 0; i < 50_000; i++) value = op("Neg", {}, [value]);
    assert.equal(topological([value]).length, 50_001);
  });

  it("lists each reader of a value once", () => {
    const x = image(2);
    const square = op("Mul", {}, [x, x]);
    const y = op("Add", {}, [square, x]);
    const uses = consumers({ inputs: [x], outputs: [y] });
    assert.deepEqual(uses.get(x), [square.node, y.node]);
    assert.equal(uses.get(y), undefined);
  });
});

describe("rebuilding a graph", () => {
  const build = (): Graph & { readonly a: Value } => {
    const x = image("N", 2);
    const a = op("Relu", {}, [x], "act");
    return { inputs: [x], outputs: [op("Neg", {}, [a]), op("Tanh", {}, [x])], a };
  };

  it("keeps what does not change", () => {
    const graph = build();
    const { graph: same } = rebuild(graph, () => undefined);
    assert.deepEqual(same.outputs, graph.outputs);
    assert.equal(same.outputs[0], graph.outputs[0]);
  });

  it("infers new types behind what changes, and keeps names", () => {
    const graph = build();
    const { graph: bound, value } = rebuild(graph, (node) =>
      node.operator === "input" ? [input(node.name, "float32", [5, 2])] : undefined,
    );
    assert.deepEqual(
      bound.outputs.map((v) => v.shape),
      [
        [5, 2],
        [5, 2],
      ],
    );
    assert.equal(value(graph.a).node.name, "act");
    verify(bound);
  });

  it("puts other values in place", () => {
    const graph = build();
    const { graph: other } = rebuild(graph, (node, [x]) => (node.name === "act" ? [x] : undefined));
    assert.equal(other.outputs[0]!.node.inputs[0], other.inputs[0]);
    assert.equal(other.outputs[1], graph.outputs[1]);
  });

  it("says that a value is gone", () => {
    const graph = build();
    const { value } = rebuild(graph, () => undefined);
    assert.throws(() => value(constant(float32([], [1]))), /gone from the graph/);
  });
});
