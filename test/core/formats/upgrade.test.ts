import assert from "node:assert/strict";
import type { Model } from "#core/formats/model.ts";
import type { Pieces } from "#core/formats/onnx/pieces.ts";
import { constantOf, topological } from "#core/ir/graph.ts";
import type { Shape } from "#core/ir/tensor.ts";
import * as f from "./support.ts";

interface Case {
  readonly opset: number;
  readonly type: string;
  readonly attrs?: readonly Pieces[];
  readonly shape?: readonly (number | string)[];
  /** More inputs, as initialisers. */
  readonly tensors?: readonly Pieces[];
  readonly names?: readonly string[];
  readonly outputs?: readonly string[];
}

const file = ({
  opset,
  type,
  attrs = [],
  shape = [2, 3, 4, 5],
  tensors = [],
  names = [],
  outputs = ["y"],
}: Case) =>
  f.fileOf({
    opset,
    nodes: [f.nodeOf(type, ["x", ...names], outputs, attrs, { name: "it" })],
    tensors,
    inputs: [f.info("x", shape)],
    outputs: [f.info("y", [])],
  });

/** "Softmax axis=1" for each operator, then the shape of the result. */
function steps({ graph }: Model): (string | Shape)[] {
  const nodes = topological(graph.outputs).filter((n) => typeof n.operator !== "string");
  return [
    ...nodes.map((n) =>
      [
        typeof n.operator === "string" ? "" : n.operator.type,
        ...Object.entries(n.attrs).map(([k, v]) => `${k}=${v}`),
        ...n.inputs.slice(1).map((v) => `(${Array.from(constantOf(v)?.data ?? []).join(" ")})`),
      ].join(" "),
    ),
    graph.outputs[0]!.shape,
  ];
}

const upgraded = async (c: Case) => steps(await f.readWell(file(c)));

async function refused(c: Case): Promise<string> {
  const { problems } = await f.readBytes(file(c));
  return f.lines(problems).join();
}

describe("upgrading ONNX to opset 21", () => {
  it("keeps Softmax since 13", async () => {
    assert.deepEqual(await upgraded({ opset: 13, type: "Softmax" }), ["Softmax", [2, 3, 4, 5]]);
    assert.deepEqual(
      await upgraded({ opset: 13, type: "Softmax", attrs: [f.intAttr("axis", 1)] }),
      ["Softmax axis=1", [2, 3, 4, 5]],
    );
  });

  it("flattens for a Softmax before 13, which went over all axes from its own on", async () => {
    assert.deepEqual(await upgraded({ opset: 12, type: "Softmax" }), [
      "Flatten axis=1",
      "Softmax axis=1",
      "Reshape (0 3 4 5)",
      [2, 3, 4, 5],
    ]);
    assert.deepEqual(
      await upgraded({
        opset: 7,
        type: "Softmax",
        attrs: [f.intAttr("axis", 2)],
        shape: ["N", 3, 4, 5],
      }),
      ["Flatten axis=2", "Softmax axis=1", "Reshape (-1 3 4 5)", ["N", 3, 4, 5]],
    );
    assert.deepEqual(
      await upgraded({ opset: 11, type: "Softmax", attrs: [f.intAttr("axis", -1)] }),
      ["Softmax axis=3", [2, 3, 4, 5]],
    );
    // What follows the axis has no length: the same as over the axis alone.
    assert.deepEqual(await upgraded({ opset: 7, type: "Softmax", shape: ["N", 10, 1, 1] }), [
      "Softmax axis=1",
      ["N", 10, 1, 1],
    ]);
    assert.match(
      await refused({ opset: 7, type: "Softmax", attrs: [f.intAttr("axis", 4)] }),
      /node it .*axis 4 does not fit/,
    );
  });

  it("makes inputs of Clip's bounds before 11", async () => {
    const attrs = [f.floatAttr("min", 0), f.floatAttr("max", 6)];
    assert.deepEqual(await upgraded({ opset: 10, type: "Clip", attrs }), [
      "Clip (0) (6)",
      [2, 3, 4, 5],
    ]);
    assert.deepEqual(await upgraded({ opset: 7, type: "Clip", attrs: attrs.slice(1) }), [
      "Clip () (6)",
      [2, 3, 4, 5],
    ]);
    assert.deepEqual(await upgraded({ opset: 7, type: "Clip" }), ["Clip", [2, 3, 4, 5]]);
    const tensors = [f.floats("low", [], [-1])];
    assert.deepEqual(await upgraded({ opset: 11, type: "Clip", tensors, names: ["low"] }), [
      "Clip (-1)",
      [2, 3, 4, 5],
    ]);
  });

  it("makes an input of Dropout's ratio before 12, and refuses training", async () => {
    assert.deepEqual(
      await upgraded({ opset: 7, type: "Dropout", attrs: [f.floatAttr("ratio", 0.5)] }),
      ["Dropout (0.5)", [2, 3, 4, 5]],
    );
    assert.deepEqual(await upgraded({ opset: 10, type: "Dropout" }), ["Dropout", [2, 3, 4, 5]]);
    const off = f.tensorOf("mode", 9, [], []);
    const mode = (value: number) => [
      f.floats("r", [], [0.5]),
      [...off, Uint8Array.of(0x4a, 1, value)],
    ];
    const names = ["r", "mode"];
    assert.deepEqual(await upgraded({ opset: 12, type: "Dropout", tensors: mode(0), names }), [
      "Dropout (0.5) (0)",
      [2, 3, 4, 5],
    ]);
    assert.match(
      await refused({ opset: 13, type: "Dropout", tensors: mode(1), names }),
      /training_mode is on/,
    );
  });

  it("drops BatchNormalization's spatial, and refuses training in all its forms", async () => {
    const tensors = ["s", "b", "m", "v"].map((n) => f.floats(n, [3], [1, 1, 1]));
    const bn = (opset: number, more: Partial<Case> = {}): Case => ({
      opset,
      type: "BatchNormalization",
      tensors,
      names: ["s", "b", "m", "v"],
      ...more,
    });
    const plain = "BatchNormalization (1 1 1) (1 1 1) (1 1 1) (1 1 1)";
    for (const opset of [7, 9, 14, 15, 21])
      assert.deepEqual(await upgraded(bn(opset)), [plain, [2, 3, 4, 5]]);
    assert.deepEqual(await upgraded(bn(7, { attrs: [f.intAttr("spatial", 1)] })), [
      plain,
      [2, 3, 4, 5],
    ]);
    assert.match(
      await refused(bn(7, { attrs: [f.intAttr("spatial", 0)] })),
      /spatial = 0 is not supported/,
    );
    assert.match(
      await refused(bn(9, { outputs: ["y", "mean", "var", "sm", "sv"] })),
      /training mode/,
    );
    assert.match(
      await refused(bn(14, { attrs: [f.intAttr("training_mode", 1)] })),
      /training mode/,
    );
  });

  it("makes an input of the axes of ReduceSum before 13", async () => {
    const attrs = [f.intsAttr("axes", [1]), f.intAttr("keepdims", 0)];
    const [step, shape] = await upgraded({ opset: 11, type: "ReduceSum", attrs });
    assert.match(String(step), /ReduceSum keepdims=0 axes=1/);
    assert.deepEqual(shape, [2, 4, 5]);
  });

  it("reads operators that did not change in every opset from 7", async () => {
    const dense = [f.floats("w", [5, 2], f.range(10)), f.floats("c", [2], [0, 0])];
    const kernel = [f.floats("w", [6, 3, 3, 3], f.range(162))];
    const cases: [Omit<Case, "opset">, Shape][] = [
      [{ type: "Conv", tensors: kernel, names: ["w"] }, [2, 6, 2, 3]],
      [{ type: "Gemm", shape: [4, 5], tensors: dense, names: ["w", "c"] }, [4, 2]],
      [{ type: "MaxPool", attrs: [f.intsAttr("kernel_shape", [2, 2])] }, [2, 3, 3, 4]],
      [{ type: "AveragePool", attrs: [f.intsAttr("kernel_shape", [2, 2])] }, [2, 3, 3, 4]],
      [{ type: "GlobalAveragePool" }, [2, 3, 1, 1]],
      [{ type: "Flatten" }, [2, 60]],
      [{ type: "Transpose", attrs: [f.intsAttr("perm", [0, 2, 3, 1])] }, [2, 4, 5, 3]],
      [{ type: "Reshape", tensors: [f.int64s("s", [0, -1])], names: ["s"] }, [2, 60]],
      [{ type: "Concat", attrs: [f.intAttr("axis", 1)], names: ["x"] }, [2, 6, 4, 5]],
      [{ type: "MatMul", shape: [4, 5], tensors: dense, names: ["w"] }, [4, 2]],
      ...["Relu", "Sigmoid", "Tanh", "Identity"].map((type): [Omit<Case, "opset">, Shape] => [
        { type },
        [2, 3, 4, 5],
      ]),
      ...["Add", "Sub", "Mul", "Div"].map((type): [Omit<Case, "opset">, Shape] => [
        { type, names: ["x"] },
        [2, 3, 4, 5],
      ]),
    ];
    for (const opset of [7, 8, 9, 10, 11, 12, 13, 14, 19, 21, 22])
      for (const [c, shape] of cases)
        assert.deepEqual((await upgraded({ ...c, opset })).at(-1), shape, `${c.type} ${opset}`);
    assert.deepEqual(
      (await upgraded({ opset: 11, type: "Gemm", shape: [4, 5], tensors: dense, names: ["w"] })).at(
        -1,
      ),
      [4, 2],
    );
  }).timeout(20_000);

  it("traces the nodes it makes to the node of the file", async () => {
    const { graph, origins, names } = await f.readWell(file({ opset: 9, type: "Softmax" }));
    const made = topological(graph.outputs).filter((n) => typeof n.operator !== "string");
    assert.deepEqual(
      made.map((n) => origins.get(n)?.type),
      ["Softmax", "Softmax", "Softmax"],
    );
    assert.deepEqual(
      made.map((n) => n.name),
      ["it", "it", "it"],
    );
    assert.equal(names.get(graph.outputs[0]!), "y");
  });
});
