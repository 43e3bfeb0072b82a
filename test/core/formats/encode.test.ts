import assert from "node:assert/strict";
import { encode } from "#core/compile/encode.ts";
import { loadWeights } from "#core/formats/weights.ts";
import {
  constant,
  constantOf,
  type Graph,
  input,
  isConstant,
  type Node,
  topological,
} from "#core/ir/graph.ts";
import { type DType, float32, int64, tensor } from "#core/ir/tensor.ts";
import { verify } from "#core/ir/verify.ts";
import { operatorOfType } from "#core/ops/index.ts";
import { type Attrs, type Example, InvalidNode, type Operator } from "#core/ops/operator.ts";
import * as f from "./support.ts";

const op = (type: string): Operator => operatorOfType.get(type)!;
const apply = (type: string, attrs: Attrs, ...inputs: Parameters<Operator["node"]>[1]) =>
  op(type).node(attrs, inputs).outputs[0]!;

/** The graph as text: operators, attributes, shapes and constants in topological order. */
function shown({ outputs }: Graph): string[] {
  const nodes = topological(outputs);
  return nodes.map((node) => {
    const value = constantOf(node.outputs[0]);
    const what = typeof node.operator === "string" ? node.operator : node.operator.type;
    // As ONNX has them: some defaults are written out, and lists are constant inputs.
    const form = typeof node.operator === "string" ? node : (node.operator.onnx?.(node) ?? node);
    const lists = form.inputs
      .slice(node.inputs.length)
      .map((v) => Array.from(constantOf(v)?.data ?? []));
    const attrs =
      value === undefined
        ? JSON.stringify([
            ...Object.entries(form.attrs).sort(([a], [b]) => (a < b ? -1 : 1)),
            lists,
          ])
        : `${value.dtype} ${Array.from(value.data)}`;
    const from = node.inputs.map((v) => (v === undefined ? "-" : nodes.indexOf(v.node)));
    // Lengths that the data decide are numbered as they come.
    const shapes = node.outputs.map((o) => `[${o.shape}]`.replaceAll(/_\d+/g, "_"));
    return `${what}(${from}) ${attrs} -> ${shapes}`;
  });
}

async function roundTrip(graph: Graph): Promise<Graph> {
  const model = await f.readWell(encode(graph));
  await loadWeights(model.graph);
  verify(model.graph);
  return model.graph;
}

/** The example on inputs of the graph; constants where the operator takes nothing else. */
function applied(operator: Operator, { inputs, attrs }: Example): Node {
  const values = (tensors: "inputs" | "constants") =>
    inputs.map((i, n) => {
      if (i === undefined) return undefined;
      if (!("dtype" in i)) return input(`x${n}`, "float32", i);
      return tensors === "inputs" ? input(`x${n}`, i.dtype, i.shape) : constant(i, `c${n}`);
    });
  try {
    return operator.node(attrs as Attrs, values("inputs"));
  } catch (error) {
    if (!(error instanceof InvalidNode)) throw error;
    return operator.node(attrs as Attrs, values("constants"));
  }
}

/** Attributes are float32 in the file. */
function rounded(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(rounded);
  return typeof value === "number" ? Math.fround(value) : value;
}

describe("writing ONNX", () => {
  it("writes what reads back as the same graph", async () => {
    const x = input("x", "float32", ["N", 1, 6, 6]);
    const w = constant(float32([2, 1, 3, 3], f.range(18)), "conv.weight");
    const b = constant(float32([2], [0.5, -0.5]), "conv.bias");
    const conv = apply("Conv", { kernel_shape: [3, 3], pads: [1, 1, 1, 1] }, x, w, b);
    const relu = apply("Clip", {}, conv, undefined, constant(float32([], [6])));
    const pool = apply("MaxPool", { kernel_shape: [2, 2], strides: [2, 2] }, relu);
    const flat = apply("Reshape", {}, pool, constant(int64([2], [0, -1])));
    const dense = apply(
      "Gemm",
      { alpha: 0.5, transB: 1 },
      flat,
      constant(float32([3, 18], f.range(54))),
    );
    const graph = { inputs: [x], outputs: [apply("Softmax", { axis: -1 }, dense)] };
    assert.deepEqual(shown(await roundTrip(graph)), shown(graph));
  });

  it("writes every operator's examples so that they read back", async () => {
    const skipped: string[] = [];
    for (const operator of operatorOfType.values())
      for (const example of operator.examples) {
        const node = applied(operator, example);
        const inputs = node.inputs;
        // What no input decides is computed while reading.
        if (!inputs.some((v) => v?.node.operator === "input")) continue;
        const graph = {
          inputs: inputs.filter((v) => v?.node.operator === "input").map((v) => v!),
          outputs: node.outputs,
        };
        const { model, problems } = await f.readBytes(encode(graph));
        if (problems.some((p) => p.code === "unsupported-operator")) skipped.push(operator.type);
        else {
          assert.deepEqual(f.lines(problems), [], operator.type);
          // Shape and Size: what shapes decide is computed while reading, too.
          if (model!.graph.outputs.every(isConstant)) continue;
          // Reading writes out some defaults, once and for all.
          const again = await roundTrip(model!.graph);
          assert.deepEqual(shown(again), shown(model!.graph));
          const types = shown(graph).map((line) => line.replace(/\[\[.*\]\]/, ""));
          assert.deepEqual(
            shown(model!.graph).map((line) => line.replace(/\[\[.*\]\]/, "")),
            types,
          );
          const read = model!.graph.outputs[0]!.node.attrs;
          for (const [name, value] of Object.entries(node.attrs))
            if (value !== undefined)
              assert.deepEqual(rounded(read[name]), rounded(value), `${operator.type} ${name}`);
        }
      }
    assert.deepEqual(skipped, []);
  });

  it("keeps numbers of every element type", async () => {
    const data: [
      DType,
      number[],
      { from(v: number[]): Float32Array | Float64Array | Uint8Array },
    ][] = [
      ["float32", [1.5, -1], Float32Array],
      ["float32", [1.5, -1], Float64Array],
      ["float64", [0.1, 1e300], Float64Array],
      ["int64", [-(2 ** 52), 2 ** 53], Float64Array],
      ["uint64", [0, 2 ** 60], Float64Array],
      ["int32", [-(2 ** 31), 7], Float64Array],
      ["bool", [1, 0], Uint8Array],
      ["int8", [-128, 127], Float64Array],
      ["uint16", [0, 65535], Float64Array],
    ];
    for (const [dtype, values, array] of data) {
      const graph = { inputs: [], outputs: [constant(tensor(dtype, [2], array.from(values)))] };
      const [out] = (await roundTrip(graph)).outputs;
      const back = (constantOf(out) ?? constantOf(out!.node.inputs[0]))!;
      assert.equal(back.dtype, dtype);
      assert.deepEqual(Array.from(back.data), values);
    }
  });

  it("names inputs and outputs in order, also outputs that are inputs, constants or each other", async () => {
    const x = input("x", "float32", [2]);
    const y = apply("Relu", {}, x);
    const graph = { inputs: [x], outputs: [y, y, x, constant(float32([1], [3]))] };
    const model = await f.readWell(
      encode(graph, { inputNames: ["pixels"], outputNames: ["a", "b"] }),
    );
    const name = (v: Graph["outputs"][number]) => model.names.get(v);
    assert.deepEqual(model.graph.inputs.map(name), ["pixels"]);
    assert.deepEqual(model.graph.outputs.map(name), ["a", "b", "o2", "o3"]);
    assert.deepEqual(
      (await f.readWell(encode(graph))).graph.inputs.map((v) => v.node.name),
      ["i0"],
    );
  });

  it("leaves out outputs that nothing reads", async () => {
    const x = input("x", "float32", [1, 1, 4, 4]);
    const node = op("MaxPool").node({ kernel_shape: [2, 2] }, [x]);
    const one = encode({ inputs: [x], outputs: [node.outputs[0]!] });
    const { facts } = await f.readWell(one);
    assert.equal(facts.dialect, "onnx, opset 21");
    assert.ok(one.length < encode({ inputs: [x], outputs: node.outputs }).length);
  });

  it("copes with deep and wide graphs", async () => {
    const x = input("x", "float32", [1]);
    let y = x;
    for (let i = 0; i < 5000; i++) y = apply("Add", {}, y, constant(float32([1], [i])));
    const { facts } = await f.readWell(encode({ inputs: [x], outputs: [y] }));
    assert.equal(facts.nodes, 5000);
  }).timeout(20_000);
});
