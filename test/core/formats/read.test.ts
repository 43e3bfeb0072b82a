import assert from "node:assert/strict";
import type { Model } from "#core/formats/model.ts";
import { onnx } from "#core/formats/onnx/onnx.ts";
import { delimited, type Pieces, varint } from "#core/formats/onnx/pieces.ts";
import { loadWeights } from "#core/formats/weights.ts";
import { constantOf, topological } from "#core/ir/graph.ts";
import type { Operator } from "#core/ops/operator.ts";
import * as f from "./support.ts";

const identity = (input: string, output: string) => f.nodeOf("Identity", [input], [output]);

/** The stored tensor as the model has it. */
async function stored(tensor: Pieces, siblings = f.siblingsOf({})) {
  const bytes = f.fileOf({
    nodes: [identity("c", "y")],
    tensors: [tensor],
    outputs: [f.info("y", [])],
  });
  const model = await f.readWell(bytes, siblings);
  await loadWeights(model.graph);
  const [y] = model.graph.outputs;
  // Integers are computed while reading, the Identity is gone.
  const { dtype, shape, data } = (constantOf(y) ?? constantOf(y!.node.inputs[0]))!;
  return { dtype, shape, data: Array.from(data) };
}

const types = (model: Model): string[] =>
  topological(model.graph.outputs)
    .filter((n) => typeof n.operator !== "string")
    .map((n) => (n.operator as Operator).type);

const packed = (...values: number[]) => values.map((v) => varint(1, v).subarray(1));

describe("reading ONNX: stored tensors", () => {
  it("reads raw and typed fields of every element type", async () => {
    const cases: [type: number, data: Pieces, dtype: string, values: number[]][] = [
      [1, delimited(9, f.bytesLE(Float32Array.of(1.5, -2))), "float32", [1.5, -2]],
      [1, delimited(4, f.bytesLE(Float32Array.of(1.5, -2))), "float32", [1.5, -2]],
      [2, delimited(9, Uint8Array.of(1, 255)), "uint8", [1, 255]],
      [3, delimited(5, packed(-1, 127)), "int8", [-1, 127]],
      [4, delimited(5, packed(65535, 1)), "uint16", [65535, 1]],
      [5, delimited(9, f.bytesLE(Int16Array.of(-5, 5))), "int16", [-5, 5]],
      [6, delimited(5, packed(-7, 70000)), "int32", [-7, 70000]],
      [7, delimited(7, packed(-1, 2 ** 40)), "int64", [-1, 2 ** 40]],
      [7, delimited(9, f.bytesLE(BigInt64Array.of(-1n, 3n))), "int64", [-1, 3]],
      [9, delimited(5, packed(1, 0)), "bool", [1, 0]],
      [9, delimited(9, Uint8Array.of(0, 2)), "bool", [0, 1]],
      // binary16: 1, and the smallest number 2^-24.
      [10, delimited(5, packed(0x3c00, 0x0001)), "float32", [1, 2 ** -24]],
      [10, delimited(9, f.bytesLE(Uint16Array.of(0xc500, 0x7c00))), "float32", [-5, Infinity]],
      [11, delimited(10, f.bytesLE(Float64Array.of(0.1, 2))), "float64", [0.1, 2]],
      [12, delimited(11, packed(2 ** 32 - 1, 0)), "uint32", [2 ** 32 - 1, 0]],
      [13, delimited(9, f.bytesLE(BigUint64Array.of(1n, 2n ** 40n))), "uint64", [1, 2 ** 40]],
      [16, delimited(9, f.bytesLE(Uint16Array.of(0x3f80, 0xc000))), "float32", [1, -2]],
      // Not packed: one field for each number.
      [7, [varint(7, 4), varint(7, -4)], "int64", [4, -4]],
    ];
    for (const [type, data, dtype, values] of cases)
      assert.deepEqual(await stored(f.tensorOf("c", type, [2], data)), {
        dtype,
        shape: [2],
        data: values,
      });
  });

  it("widens every binary16 number to its value", async () => {
    const all = Uint16Array.from({ length: 65536 }, (_, i) => i);
    const { data } = await stored(f.tensorOf("c", 10, [65536], delimited(9, f.bytesLE(all))));
    const value = (bits: number) => {
      const [sign, e, m] = [bits & 0x8000 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
      if (e === 31) return m === 0 ? sign * Infinity : Number.NaN;
      return sign * (e === 0 ? m * 2 ** -24 : (1 + m / 1024) * 2 ** (e - 15));
    };
    for (const bits of all) assert.ok(Object.is(data[bits], value(bits)), `bits ${bits}`);
  });

  it("reads external data by offset and length", async () => {
    const entry = (key: string, value: string) =>
      delimited(13, [...delimited(1, key), ...delimited(2, value)]);
    const tensor = f.tensorOf(
      "c",
      1,
      [2],
      [
        ...entry("location", "weights/w.bin"),
        ...entry("offset", "4"),
        ...entry("length", "8"),
        varint(14, 1),
      ],
    );
    const files = f.siblingsOf({ "weights/w.bin": f.bytesLE(Float32Array.of(9, 1, 2, 9)) });
    assert.deepEqual((await stored(tensor, files)).data, [1, 2]);
  });

  it("reads large weights only when they are asked for", async () => {
    const bytes = f.fileOf({
      nodes: [f.nodeOf("Add", ["x", "w"], ["y"])],
      tensors: [f.floats("w", [200, 1000], f.range(200_000))],
      inputs: [f.info("x", [1000])],
      outputs: [f.info("y", [])],
    });
    let read = 0;
    const source = f.sourceOf(bytes);
    const counting = {
      ...source,
      read: (offset: number, length: number) => {
        read += length;
        return source.read(offset, length);
      },
    };
    const { model } = await onnx.read(counting, f.siblingsOf({}));
    const w = constantOf(model!.graph.outputs[0]!.node.inputs[1])!;
    assert.ok(read < 50_000, `${read} bytes`);
    assert.throws(() => w.data, /loadWeights/);
    await loadWeights(model!.graph);
    assert.equal(w.data[199_999], 199_999);
  });
});

describe("reading ONNX: graphs", () => {
  it("takes Constant nodes of every numeric form as constants named by their output", async () => {
    const listed = (name: string, field: Pieces, type: number): Pieces => [
      ...delimited(1, name),
      ...field,
      varint(20, type),
    ];
    const forms: [Pieces, string, number[]][] = [
      [f.tensorAttr("value", f.floats("", [2], [1, 2])), "float32", [1, 2]],
      [f.intsAttr("value_ints", [3, 4]), "int64", [3, 4]],
      [f.intAttr("value_int", 5), "int64", [5]],
      [f.floatAttr("value_float", 0.5), "float32", [0.5]],
      [
        listed("value_floats", delimited(7, f.bytesLE(Float32Array.of(1, 2))), 6),
        "float32",
        [1, 2],
      ],
    ];
    for (const [attribute, dtype, values] of forms) {
      const bytes = f.fileOf({
        nodes: [f.nodeOf("Constant", [], ["k"], [attribute])],
        outputs: [f.info("k", [])],
      });
      const value = (await f.readWell(bytes)).graph.outputs[0]!;
      assert.equal(value.node.name, "k");
      assert.equal(value.dtype, dtype);
      assert.deepEqual(Array.from(constantOf(value)!.data), values);
    }
  });

  it("refuses sparse constants", async () => {
    const sparse: Pieces = [...delimited(1, "sparse_value"), ...delimited(22, ""), varint(20, 11)];
    const bytes = f.fileOf({
      nodes: [f.nodeOf("Constant", [], ["k"], [sparse]), identity("k", "y")],
      outputs: [f.info("y", [])],
    });
    const { problems, model } = await f.readBytes(bytes);
    assert.deepEqual(f.lines(problems), [
      "tiny.onnx, node k: Constant with sparse_value is not supported",
    ]);
    assert.equal(model!.partial, true);
  });

  it("takes initialisers that are also inputs as constants, as before IR version 4", async () => {
    const bytes = f.fileOf({
      ir: 3,
      nodes: [f.nodeOf("Add", ["x", "w"], ["y"])],
      tensors: [f.floats("w", [3], [1, 2, 3])],
      inputs: [f.info("w", [3]), f.info("x", [2, 3])],
      outputs: [f.info("y", [2, 3])],
    });
    const model = await f.readWell(bytes);
    assert.deepEqual(
      model.graph.inputs.map((v) => v.node.name),
      ["x"],
    );
    assert.equal(model.parameters, 3);
  });

  it("keeps names of lengths, calls a nameless leading one N and tells others apart", async () => {
    const shapeOf = async (dims: (number | string)[]) =>
      (
        await f.readWell(
          f.fileOf({
            nodes: [identity("x", "y")],
            inputs: [f.info("x", dims)],
            outputs: [f.info("y", [])],
          }),
        )
      ).graph.outputs[0]!.shape;
    assert.deepEqual(await shapeOf(["batch", 3]), ["batch", 3]);
    assert.deepEqual(await shapeOf(["", 3, ""]), ["N", 3, "x.2"]);
    assert.deepEqual(await shapeOf([0, 3]), ["N", 3]);
    assert.deepEqual(await shapeOf(["a*b", "64"]), ["a_b", "d64"]);
  });

  it("names nodes by type and index where the file does not, and traces values and nodes to it", async () => {
    const bytes = f.fileOf({
      nodes: [f.nodeOf("Relu", ["x"], ["h"], [], { name: "act" }), f.nodeOf("Tanh", ["h"], ["y"])],
      inputs: [f.info("x", [2])],
      outputs: [f.info("y", [2])],
    });
    const { graph, names, origins } = await f.readWell(bytes);
    const tanh = graph.outputs[0]!.node;
    assert.equal(tanh.name, "Tanh_1");
    assert.equal(names.get(tanh.inputs[0]!), "h");
    assert.equal(tanh.inputs[0]!.node.name, "act");
    assert.equal(origins.get(tanh)!.index, 1);
  });

  it("tells what the file says of itself", async () => {
    const bytes = f.fileOf({
      opset: 13,
      nodes: [identity("x", "y")],
      inputs: [f.info("x", [1])],
      outputs: [f.info("y", [1])],
      inModel: delimited(14, [...delimited(1, "author"), ...delimited(2, "me")]),
    });
    const { facts } = await f.readWell(bytes);
    assert.deepEqual(
      [facts.dialect, facts.producer, facts.nodes, [...facts.metadata]],
      ["onnx, opset 13", "hand", 1, [["author", "me"]]],
    );
  });

  it("sorts nodes that are not in order", async () => {
    const bytes = f.fileOf({
      nodes: [f.nodeOf("Tanh", ["h"], ["y"]), f.nodeOf("Relu", ["x"], ["h"])],
      inputs: [f.info("x", [1])],
      outputs: [f.info("y", [1])],
    });
    assert.deepEqual(types(await f.readWell(bytes)), ["Relu", "Tanh"]);
  });
});

describe("reading ONNX: what it does not support", () => {
  it("reads up to unsupported operators and says which, of which opset and domain", async () => {
    const bytes = f.fileOf({
      opset: 17,
      nodes: [
        f.nodeOf("Relu", ["x"], ["a"]),
        f.nodeOf("TorchEmbedding", ["a"], ["b"], [], { name: "fused", domain: "com.microsoft" }),
        f.nodeOf("SequenceConstruct", ["a"], ["c"]),
        f.nodeOf("SequenceConstruct", ["a"], ["d"]),
        f.nodeOf("Tanh", ["b"], ["y"]),
        f.nodeOf("Sigmoid", ["a"], ["z"]),
      ],
      inputs: [f.info("x", [2])],
      outputs: [f.info("y", [2]), f.info("z", [2])],
      inModel: delimited(8, [...delimited(1, "com.microsoft"), varint(2, 1)]),
    });
    const { model, problems } = await f.readBytes(bytes);
    assert.deepEqual(f.lines(problems), [
      "tiny.onnx, node fused (number 1): operator TorchEmbedding of domain com.microsoft (version 1) is not supported: the graph is read up to there",
      "tiny.onnx, node SequenceConstruct_2 (number 2): operator SequenceConstruct (opset 17) is not supported, nor 1 more such nodes: the graph is read up to there",
    ]);
    assert.deepEqual([...new Set(problems.map((p) => p.code))], ["unsupported-operator"]);
    assert.equal(model!.partial, true);
    assert.deepEqual(
      model!.graph.outputs.map((v) => model!.names.get(v)),
      ["z", "a"],
    );
    assert.equal(model!.ownOutputs, 1);
    assert.deepEqual(
      model!.ends!.map(({ at, values }) => [at, values.map((v) => model!.names.get(v))]),
      [
        ["node fused (number 1)", ["a"]],
        ["node SequenceConstruct_2 (number 2)", ["a"]],
      ],
    );
  });

  it("reports nodes that do not fit, at the node", async () => {
    const cases: [Pieces, RegExp][] = [
      [
        f.nodeOf("Add", ["x", "w"], ["y"], [], { name: "sum" }),
        /node sum \(number 0\): Add: .*do not broadcast/,
      ],
      [f.nodeOf("Relu", ["x"], ["y"], [f.intAttr("axis", 1)]), /Relu has no attribute "axis"/],
      [
        f.nodeOf("Softmax", ["x"], ["y"], [f.floatAttr("axis", 1)]),
        /axis has attribute type 1, not 2/,
      ],
      [f.nodeOf("Relu", ["nowhere"], ["y"]), /its input "nowhere" is not defined/],
      [f.nodeOf("Add", ["x"], ["y"]), /Add: input 1 is missing/],
    ];
    for (const [node, message] of cases) {
      const { model, problems } = await f.readBytes(
        f.fileOf({
          nodes: [node],
          tensors: [f.floats("w", [5], f.range(5))],
          inputs: [f.info("x", [2, 3])],
          outputs: [f.info("y", [2])],
        }),
      );
      assert.match(f.lines(problems)[0]!, message);
      assert.equal(problems[0]!.code, "unreadable-model");
      assert.equal(model!.partial, true);
    }
  });

  it("refuses opsets that are too old or unknown, with what to do", async () => {
    const of = async (opset: number) => {
      const bytes = f.fileOf({
        opset,
        nodes: [identity("x", "y")],
        inputs: [f.info("x", [1])],
        outputs: [f.info("y", [1])],
      });
      const { model, problems } = await f.readBytes(bytes);
      return model === undefined ? f.lines(problems).join() : "read";
    };
    assert.match(await of(6), /opset 6 is too old: convert the model/);
    assert.equal(await of(7), "read");
    assert.equal(await of(24), "read");
    assert.match(await of(99), /opset 99 is newer/);
  });
});
