import assert from "node:assert/strict";
import * as ort from "onnxruntime-node";
import { delimited, type Pieces } from "#core/formats/onnx/pieces.ts";
import { loadWeights } from "#core/formats/weights.ts";
import { type DType, isFloat, size, type Tensor } from "#core/ir/tensor.ts";
import { random } from "#core/random.ts";
import { evaluate } from "#core/runtime/reference.ts";
import { onnxRuntime } from "#server/runtime/onnxRuntime.ts";
import * as f from "../core/formats/support.ts";

/** Operators that are read as others, or whose form changed: ONNX Runtime runs the file as it stands. */
interface Row {
  readonly title: string;
  readonly opset: number;
  readonly type: string;
  readonly attrs?: readonly Pieces[];
  readonly x: readonly number[];
  readonly dtype?: DType;
  readonly tensors?: readonly Pieces[];
  /** The names of the inputs; by default x and the tensors in order. */
  readonly inputs?: readonly string[];
  readonly outputs?: readonly (readonly [name: string, code: number])[];
}

const raw = (data: ArrayBufferView): Pieces => delimited(9, f.bytesLE(data));

const bytesTensor = (name: string, code: 2 | 3, dims: readonly number[], values: number[]) =>
  f.tensorOf(name, code, dims, raw(code === 2 ? Uint8Array.from(values) : Int8Array.from(values)));

const int32s = (name: string, values: number[]) =>
  f.tensorOf(name, 6, [values.length], raw(Int32Array.from(values)));

const wave = (n: number, scale: number) =>
  f.range(n).map((i) => Math.round(scale * Math.sin(i + 1)));

const scales = [f.floats("xs", [], [0.02]), bytesTensor("xz", 2, [], [120])];
const results = [f.floats("ys", [], [0.05]), bytesTensor("yz", 2, [], [130])];

const rows: readonly Row[] = [
  {
    title: "QLinearConv with a scale for each feature map and a bias",
    opset: 13,
    type: "QLinearConv",
    attrs: [f.intsAttr("pads", [1, 0, 0, 1])],
    x: [1, 2, 4, 4],
    dtype: "uint8",
    tensors: [
      ...scales,
      bytesTensor("w", 3, [3, 2, 2, 2], wave(24, 100)),
      f.floats("ws", [3], [0.01, 0.02, 0.005]),
      bytesTensor("wz", 3, [3], [0, 0, 0]),
      ...results,
      int32s("b", [100, -2000, 3000]),
    ],
    outputs: [["y", 2]],
  },
  {
    title: "QLinearMatMul",
    opset: 13,
    type: "QLinearMatMul",
    x: [2, 4],
    dtype: "uint8",
    tensors: [
      ...scales,
      bytesTensor(
        "w",
        2,
        [4, 3],
        wave(12, 100).map((v) => v + 128),
      ),
      f.floats("ws", [], [0.01]),
      bytesTensor("wz", 2, [], [128]),
      ...results,
    ],
    outputs: [["y", 2]],
  },
  {
    title: "ConvInteger",
    opset: 13,
    type: "ConvInteger",
    x: [1, 1, 4, 4],
    dtype: "uint8",
    tensors: [
      bytesTensor("w", 2, [2, 1, 2, 2], [1, 2, 200, 4, 9, 8, 7, 6]),
      bytesTensor("xz", 2, [], [7]),
    ],
    outputs: [["y", 6]],
  },
  {
    title: "MatMulInteger",
    opset: 13,
    type: "MatMulInteger",
    x: [2, 4],
    dtype: "uint8",
    tensors: [
      bytesTensor("w", 3, [4, 3], wave(12, 100)),
      bytesTensor("xz", 2, [], [130]),
      bytesTensor("wz", 3, [], [3]),
    ],
    outputs: [["y", 6]],
  },
  {
    title: "DynamicQuantizeLinear",
    opset: 13,
    type: "DynamicQuantizeLinear",
    x: [3, 5],
    outputs: [
      ["y", 2],
      ["scale", 1],
      ["zero", 2],
    ],
  },
  {
    title: "Upsample with scales as an attribute",
    opset: 7,
    type: "Upsample",
    attrs: [f.floatsAttr("scales", [1, 1, 2, 3])],
    x: [1, 2, 2, 3],
  },
  {
    title: "Upsample, linear",
    opset: 9,
    type: "Upsample",
    attrs: [f.stringAttr("mode", "linear")],
    x: [1, 2, 3, 3],
    tensors: [f.floats("s", [4], [1, 1, 2, 2])],
  },
  {
    title: "Resize of opset 10, larger",
    opset: 10,
    type: "Resize",
    x: [1, 1, 4, 5],
    tensors: [f.floats("s", [4], [1, 1, 1.5, 1.7])],
  },
  {
    title: "Resize of opset 10, smaller",
    opset: 10,
    type: "Resize",
    x: [1, 1, 7, 9],
    tensors: [f.floats("s", [4], [1, 1, 0.6, 0.4])],
  },
  {
    title: "Resize with sizes",
    opset: 13,
    type: "Resize",
    attrs: [
      f.stringAttr("mode", "linear"),
      f.stringAttr("coordinate_transformation_mode", "pytorch_half_pixel"),
    ],
    x: [1, 2, 4, 5],
    inputs: ["x", "", "", "s"],
    tensors: [f.int64s("s", [1, 2, 7, 3])],
  },
  {
    title: "Resize that keeps the proportions",
    opset: 18,
    type: "Resize",
    attrs: [f.intsAttr("axes", [2, 3]), f.stringAttr("keep_aspect_ratio_policy", "not_larger")],
    x: [1, 1, 4, 6],
    inputs: ["x", "", "", "s"],
    tensors: [f.int64s("s", [8, 8])],
  },
  {
    title: "Scatter",
    opset: 9,
    type: "Scatter",
    attrs: [f.intAttr("axis", 1)],
    x: [1, 5],
    tensors: [
      f.tensorOf("i", 7, [1, 2], raw(BigInt64Array.of(1n, 3n))),
      f.floats("u", [1, 2], [8, 9]),
    ],
  },
  {
    title: "Split with lengths as an attribute",
    opset: 11,
    type: "Split",
    attrs: [f.intAttr("axis", 1), f.intsAttr("split", [1, 4])],
    x: [2, 5],
    outputs: [
      ["a", 1],
      ["b", 1],
    ],
  },
  {
    title: "Split into as many parts as there are outputs",
    opset: 13,
    type: "Split",
    x: [6, 2],
    outputs: [
      ["a", 1],
      ["b", 1],
      ["c", 1],
    ],
  },
  {
    title: "Slice with its ends as attributes",
    opset: 9,
    type: "Slice",
    attrs: [f.intsAttr("axes", [1]), f.intsAttr("starts", [1]), f.intsAttr("ends", [-1])],
    x: [2, 5],
  },
  {
    title: "Pad with its lengths as an attribute",
    opset: 10,
    type: "Pad",
    attrs: [f.intsAttr("pads", [0, 1, 1, 0]), f.floatAttr("value", 0.5)],
    x: [2, 3],
  },
  {
    title: "Pad that reflects, with lengths as an attribute",
    opset: 10,
    type: "Pad",
    attrs: [f.intsAttr("pads", [0, 2, 0, 1]), f.stringAttr("mode", "reflect")],
    x: [2, 4],
  },
  {
    title: "TopK with k as an attribute",
    opset: 9,
    type: "TopK",
    attrs: [f.intAttr("k", 2)],
    x: [2, 5],
    outputs: [
      ["values", 1],
      ["places", 7],
    ],
  },
  {
    title: "DepthToSpace with channels first",
    opset: 11,
    type: "DepthToSpace",
    attrs: [f.intAttr("blocksize", 2), f.stringAttr("mode", "CRD")],
    x: [2, 8, 2, 3],
  },
  {
    title: "GridSample, bilinear",
    opset: 16,
    type: "GridSample",
    attrs: [f.stringAttr("mode", "bilinear")],
    x: [1, 2, 3, 3],
    tensors: [f.floats("g", [1, 1, 2, 2], [-0.4, 0.3, 0.8, -0.9])],
  },
];

const nameOf = (tensor: Pieces): string => {
  // Field 8 of TensorProto is its name.
  const at = tensor.findIndex((piece) => piece[0] === ((8 << 3) | 2));
  return new TextDecoder().decode(tensor[at + 1] ?? tensor[at]!.slice(2));
};

const codeOf: Partial<Record<DType, number>> = { float32: 1, uint8: 2 };

function fileOf(row: Row): Uint8Array {
  const { dtype = "float32", tensors = [], outputs = [["y", 1]] } = row;
  const inputs = row.inputs ?? ["x", ...tensors.map(nameOf)];
  return f.fileOf({
    opset: row.opset,
    nodes: [
      f.nodeOf(
        row.type,
        inputs,
        outputs.map(([name]) => name),
        row.attrs,
      ),
    ],
    tensors,
    inputs: [f.info("x", row.x, codeOf[dtype])],
    outputs: outputs.map(([name, code]) => f.info(name, [], code)),
  });
}

function sample({ x: shape, dtype = "float32" }: Row): Tensor {
  const { uniform } = random(3);
  const n = size(shape);
  if (dtype === "uint8")
    return {
      dtype,
      shape,
      data: Uint8Array.from({ length: n }, () => Math.floor(256 * uniform())),
    };
  return { dtype, shape, data: Float32Array.from({ length: n }, () => 4 * uniform() - 2) };
}

describe("files in forms of other opsets, against ONNX Runtime", function () {
  this.timeout(60_000);
  for (const row of rows)
    it(`${row.title} (opset ${row.opset})`, async () => {
      const bytes = fileOf(row);
      const x = sample(row);
      const session = await ort.InferenceSession.create(bytes, { logSeverityLevel: 4 });
      const fed = new ort.Tensor(x.dtype as "float32", x.data as Float32Array, x.shape);
      const expected = await session.run({ x: fed });
      const { graph } = await f.readWell(bytes);
      await loadWeights(graph);
      const program = await onnxRuntime.compile(graph);
      const both = [
        evaluate(graph.outputs, new Map([[graph.inputs[0]!, x]])),
        await program.run([x]),
      ];
      await program.release();
      await session.release();
      for (const found of both)
        session.outputNames.forEach((name, i) => {
          const want = expected[name]!;
          assert.equal(found[i]!.dtype, want.type);
          assert.deepEqual(found[i]!.shape, want.dims);
          // Quantised results may differ by one step where a sum lies between two.
          const near = isFloat(found[i]!.dtype) ? 1e-5 : want.type === "uint8" ? 1 : 0;
          Array.from(want.data as Iterable<number | bigint>, Number).forEach((v, k) => {
            assert.ok(
              Math.abs(found[i]!.data[k]! - v) <= near,
              `[${k}]: ${found[i]!.data[k]}, not ${v}`,
            );
          });
        });
    });
});
