import assert from "node:assert/strict";
import "@tensorflow/tfjs-backend-cpu";
import { loadGraphModel } from "@tensorflow/tfjs-converter";
import * as tf from "@tensorflow/tfjs-core";
import { float32, size } from "#core/ir/tensor.ts";
import { random } from "#core/random.ts";
import { evaluate } from "#core/runtime/reference.ts";
import { assertNear } from "../../support/numbers.ts";
import * as f from "./support.ts";
import * as t from "./tfjsSupport.ts";

type Attr = Readonly<Record<string, unknown>>;

/** A constant: its shape, with numbers of its own where none are given; int32 or float32. */
interface Const {
  readonly shape: readonly number[];
  readonly ints?: readonly number[];
}

/** One operation on x (and constants), as TensorFlow.js's converter writes them. */
interface Case {
  readonly op: string;
  readonly x: readonly number[];
  readonly inputs?: readonly (Const | "x")[];
  readonly attr?: Attr;
  /** Which output. */
  readonly output?: number;
  readonly note?: string;
}

const s = (text: string) => ({ s: Buffer.from(text).toString("base64") });
const i = (value: number) => ({ i: String(value) });
const b = (value: boolean) => ({ b: value });
const ints = (...values: number[]) => ({ list: { i: values.map(String) } });
const texts = (...values: string[]) => ({ list: { s: values.map((v) => s(v).s) } });
const vector = (...values: number[]): Const => ({ shape: [values.length], ints: values });
const scalar = (value: number): Const => ({ shape: [], ints: [value] });
const same = {
  padding: s("SAME"),
  strides: ints(1, 1, 1, 1),
  dilations: ints(1, 1, 1, 1),
  data_format: s("NHWC"),
};
const fused = (count: number, ...ops: string[]) => ({
  fused_ops: texts(...ops),
  num_args: i(count),
});

const image = [2, 4, 5, 3];
const cases: readonly Case[] = [
  ...["Relu", "Relu6", "Elu", "Sigmoid"].map((activation) => ({
    op: "_FusedConv2D",
    x: image,
    inputs: ["x", { shape: [3, 2, 3, 4] }, { shape: [4] }] as const,
    attr: { ...same, ...fused(1, "BiasAdd", activation) },
    note: activation,
  })),
  {
    op: "_FusedConv2D",
    x: image,
    inputs: ["x", { shape: [3, 2, 3, 4] }, { shape: [4] }],
    attr: { ...same, ...fused(1, "BiasAdd", "LeakyRelu"), leakyrelu_alpha: { f: 0.3 } },
    note: "LeakyRelu",
  },
  {
    op: "_FusedConv2D",
    x: image,
    inputs: ["x", { shape: [3, 2, 3, 4] }, { shape: [4] }, { shape: [4] }],
    attr: { ...same, ...fused(2, "BiasAdd", "Prelu") },
    note: "Prelu",
  },
  {
    op: "FusedDepthwiseConv2dNative",
    x: image,
    inputs: ["x", { shape: [3, 3, 3, 2] }, { shape: [6] }, { shape: [1, 1, 6] }],
    attr: { ...same, strides: ints(1, 2, 2, 1), ...fused(2, "BiasAdd", "Prelu") },
  },
  {
    op: "Conv2D",
    x: image,
    inputs: ["x", { shape: [2, 2, 3, 4] }],
    attr: { ...same, padding: s("EXPLICIT"), explicit_paddings: ints(0, 0, 1, 2, 0, 1, 0, 0) },
    note: "explicit padding",
  },
  {
    op: "Conv2D",
    x: image,
    inputs: ["x", { shape: [2, 2, 3, 4] }],
    attr: {
      ...same,
      dilations: ints(1, 2, 2, 1),
      padding: { s: [..."SAME"].map((c) => c.charCodeAt(0)) },
    },
    note: "dilated; the padding is a list of codes",
  },
  {
    op: "MaxPool",
    x: image,
    attr: { ...same, ksize: ints(1, 3, 2, 1), strides: ints(1, 2, 1, 1) },
  },
  {
    op: "AvgPool",
    x: image,
    attr: { ...same, ksize: ints(1, 3, 3, 1), strides: ints(1, 2, 2, 1) },
  },
  { op: "MaxPoolWithArgmax", x: image, attr: { ...same, ksize: ints(1, 2, 2, 1) } },
  {
    op: "FusedBatchNormV3",
    x: image,
    inputs: ["x", { shape: [3] }, { shape: [3] }, { shape: [3] }, { shape: [3], ints: [1, 2, 3] }],
    attr: { epsilon: { f: 0.01 }, data_format: s("NHWC"), is_training: b(false) },
  },
  {
    op: "_FusedMatMul",
    x: [3, 4],
    inputs: ["x", { shape: [5, 4] }, { shape: [5] }],
    attr: { ...fused(1, "BiasAdd", "Relu"), transpose_a: b(false), transpose_b: b(true) },
  },
  {
    op: "_FusedMatMul",
    x: [3, 4],
    inputs: ["x", { shape: [4, 5] }, { shape: [5] }, { shape: [5] }],
    attr: { ...fused(2, "BiasAdd", "Prelu") },
  },
  { op: "Prelu", x: image, inputs: ["x", { shape: [3] }] },
  {
    op: "BatchMatMul",
    x: [2, 3, 4],
    inputs: ["x", { shape: [2, 3, 5] }],
    attr: { adj_x: b(true) },
  },
  { op: "Concat", x: [2, 3], inputs: [scalar(1), "x", { shape: [2, 2] }], attr: { N: i(2) } },
  { op: "Gather", x: [4, 3], inputs: ["x", vector(2, 0)] },
  { op: "GatherNd", x: [4, 3], inputs: ["x", { shape: [2, 2], ints: [3, 1, 0, 2] }] },
  {
    op: "TensorScatterUpdate",
    x: [4],
    inputs: ["x", { shape: [2, 1], ints: [3, 1] }, { shape: [2] }],
  },
  { op: "BroadcastTo", x: [3, 1], inputs: ["x", vector(2, 3, 4)] },
  {
    op: "Select",
    x: [2, 3],
    inputs: [{ shape: [2, 3], ints: [1, 0, 0, 1, 1, 0] }, "x", { shape: [2, 3] }],
  },
  { op: "EuclideanNorm", x: [2, 3, 2], inputs: ["x", vector(1)], attr: { keep_dims: b(true) } },
  { op: "ArgMin", x: [2, 5], inputs: ["x", scalar(1)] },
  { op: "Unpack", x: [2, 3], attr: { axis: i(1), num: i(3) }, output: 2 },
  { op: "Split", x: [2, 6], inputs: [scalar(1), "x"], attr: { num_split: i(3) }, output: 1 },
  {
    op: "SplitV",
    x: [2, 6],
    inputs: ["x", vector(1, -1, 2), scalar(1)],
    attr: { num_split: i(3) },
    output: 1,
  },
  { op: "TopKV2", x: [2, 6], inputs: ["x", scalar(3)], attr: { sorted: b(true) }, output: 1 },
  { op: "IsNan", x: [2, 2] },
  {
    op: "LRN",
    x: [1, 2, 2, 6],
    attr: { depth_radius: i(2), bias: { f: 1 }, alpha: { f: 0.5 }, beta: { f: 0.75 } },
  },
  {
    op: "MirrorPad",
    x: [2, 4],
    inputs: ["x", { shape: [2, 2], ints: [1, 0, 2, 1] }],
    attr: { mode: s("REFLECT") },
  },
  {
    op: "StridedSlice",
    x: [3, 4, 5],
    inputs: ["x", vector(0, 1, -4), vector(3, 3, -1), vector(1, 1, 1)],
    attr: { shrink_axis_mask: i(2) },
  },
  {
    op: "StridedSlice",
    x: [3, 4, 5],
    inputs: ["x", vector(0, 0, 2), vector(0, 0, 3), vector(1, 1, 1)],
    attr: { ellipsis_mask: i(1), new_axis_mask: i(2), shrink_axis_mask: i(4) },
  },
  {
    op: "Cumsum",
    x: [2, 4],
    inputs: ["x", scalar(1)],
    attr: { exclusive: b(true), reverse: b(true) },
  },
  { op: "DepthToSpace", x: [1, 2, 2, 8], attr: { block_size: i(2), data_format: s("NHWC") } },
  {
    op: "ResizeBilinear",
    x: [1, 3, 4, 2],
    inputs: ["x", vector(5, 7)],
    attr: { align_corners: b(true) },
  },
  {
    op: "ResizeNearestNeighbor",
    x: [1, 3, 4, 2],
    inputs: ["x", vector(5, 7)],
    attr: { half_pixel_centers: b(true) },
  },
  {
    op: "Einsum",
    x: [2, 3, 4],
    inputs: ["x", { shape: [4, 5] }],
    attr: { equation: s("abc,cd->adb") },
  },
];

/** The files of a graph with that one operation. */
function filesOf({ op, x, inputs = ["x"], attr = {}, output = 0 }: Case): t.Files {
  const next = random(9).normal;
  const type = (c: Const) => (c.ints !== undefined && !isFloat(op, c) ? "DT_INT32" : "DT_FLOAT");
  const shapeOf = (dims: readonly number[]) => ({
    shape: { dim: dims.map((d) => ({ size: String(d) })) },
  });
  const constants = inputs.flatMap((c, k) =>
    c === "x" ? [] : [{ name: `c${k}`, ...c, type: typeOf(op, c, k, type(c)) }],
  );
  const node = [
    { name: "x", op: "Placeholder", attr: { dtype: { type: "DT_FLOAT" }, shape: shapeOf(x) } },
    ...constants.map((c) => ({ name: c.name, op: "Const", attr: { dtype: { type: c.type } } })),
    {
      name: "y",
      op,
      input: inputs.map((c, k) => (c === "x" ? "x" : `c${k}`)),
      attr: { T: { type: "DT_FLOAT" }, ...attr },
    },
  ];
  const dtypes: Readonly<Record<string, string>> = {
    DT_INT32: "int32",
    DT_FLOAT: "float32",
    DT_BOOL: "bool",
  };
  const weights = constants.map((c) => ({ name: c.name, shape: c.shape, dtype: dtypes[c.type] }));
  const data = constants.map((c) => {
    const values = c.ints ?? Array.from({ length: size(c.shape) }, next);
    if (c.type === "DT_BOOL") return Uint8Array.from(values);
    return f.bytesLE(c.type === "DT_INT32" ? Int32Array.from(values) : Float32Array.from(values));
  });
  const json = {
    format: "graph-model",
    signature: {
      inputs: { x: { name: "x:0" } },
      outputs: { y: { name: output === 0 ? "y:0" : `y:${output}` } },
    },
    modelTopology: { node, versions: { producer: 561 } },
    weightsManifest: [{ paths: ["w.bin"], weights }],
  };
  return new Map<string, Uint8Array>([
    ["model.json", new TextEncoder().encode(JSON.stringify(json))],
    ["w.bin", new Uint8Array(Buffer.concat(data))],
  ]);
}

/** Whole numbers that stand for a variance. */
const isFloat = (op: string, { ints: values }: Const): boolean =>
  op === "FusedBatchNormV3" && values !== undefined;

const typeOf = (op: string, _c: Const, index: number, type: string): string =>
  op === "Select" && index === 0 ? "DT_BOOL" : type;

describe("operations of TensorFlow.js", () => {
  before(() => tf.setBackend("cpu"));
  for (const one of cases)
    it(`${one.op}${one.note === undefined ? "" : `, ${one.note}`}: as TensorFlow.js computes it`, async () => {
      const files = filesOf(one);
      const { graph } = await t.openWell(files);
      const x = float32(one.x, Array.from({ length: size(one.x) }, random(5).normal));
      const theirs = await loadGraphModel(t.artifacts(files) as tf.io.IOHandler);
      const expected = theirs.execute({
        x: tf.tensor(Array.from(x.data), [...one.x]),
      }) as tf.Tensor;
      const [found] = evaluate(graph.outputs, new Map([[graph.inputs[0]!, x]]));
      assert.deepEqual([...found!.shape], expected.shape);
      assertNear(found!.data, await expected.data(), 1e-5);
    });
});
