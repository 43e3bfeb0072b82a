import assert from "node:assert/strict";
import { backward } from "#core/autodiff/backward.ts";
import { encode } from "#core/compile/encode.ts";
import { constant, input, type Value } from "#core/ir/graph.ts";
import { type Dim, float32, int64, size, type Tensor, tensor } from "#core/ir/tensor.ts";
import { dequantizeLinear } from "#core/ops/dequantizeLinear.ts";
import { einsum } from "#core/ops/einsum.ts";
import { gather } from "#core/ops/gather.ts";
import { operatorOfType } from "#core/ops/index.ts";
import { nonZero } from "#core/ops/nonZero.ts";
import { type Attrs, InvalidNode } from "#core/ops/operator.ts";
import { pad } from "#core/ops/pad.ts";
import { quantizeLinear } from "#core/ops/quantizeLinear.ts";
import { range } from "#core/ops/range.ts";
import { resize } from "#core/ops/resize.ts";
import { scatterND } from "#core/ops/scatterND.ts";
import { split } from "#core/ops/split.ts";
import { tile } from "#core/ops/tile.ts";
import { evaluate } from "#core/runtime/reference.ts";
import * as f from "./formats/support.ts";

const of = (elements: readonly number[], shape: readonly number[] = [elements.length]): Value =>
  constant(float32(shape, elements));
const whole = (...elements: number[]): Value => constant(int64([elements.length], elements));
const x = (...shape: Dim[]): Value => input("x", "float32", shape);

const numbers = (value: Value): number[] => Array.from(evaluate([value], new Map())[0]!.data);

/** d(Σ y)/dx at the elements. */
function slope(g: (x: Value) => Value, elements: readonly number[], shape = [elements.length]) {
  const at = input("x", "float32", shape);
  const y = g(at);
  const n = size(y.shape as number[]);
  const cotangent = constant(float32(y.shape as number[], new Array(n).fill(1)));
  const gradient = backward([{ output: y, cotangent }], [at]).get(at)!;
  return Array.from(evaluate([gradient], new Map([[at, float32(shape, elements)]]))[0]!.data);
}

describe("operators by hand: indices", () => {
  it("gathers embeddings, and sums the cotangents of those that were asked for twice", () => {
    const table = [1, 2, 3, 4, 5, 6];
    const rows = (t: Value) => gather({}, t, whole(2, 0, 2));
    assert.deepEqual(numbers(rows(of(table, [3, 2]))), [5, 6, 1, 2, 5, 6]);
    assert.deepEqual(slope(rows, table, [3, 2]), [1, 1, 0, 0, 2, 2]);
  });

  it("gives the cotangent of a maximum to those that attain it, evenly", () => {
    // max(1, 3) at 0, max(2, 2) at 1 which are equal, 5 stays.
    const indices = constant(int64([2, 1], [0, 1]));
    const best = (d: Value) => scatterND({ reduction: "max" }, d, indices, of([3, 2]));
    assert.deepEqual(numbers(best(of([1, 2, 5]))), [3, 2, 5]);
    assert.deepEqual(slope(best, [1, 2, 5]), [0, 0.5, 1]);
  });

  it("names lengths that the data decide, alike for the same data", () => {
    const [a, b] = [x(3), x(3)];
    assert.deepEqual(nonZero({}, a).shape, nonZero({}, a).shape);
    assert.notDeepEqual(nonZero({}, a).shape, nonZero({}, b).shape);
    assert.deepEqual(nonZero({}, of([0, 4, 5])).shape, [1, 2]);
    const limit = input("n", "int64", []);
    const [zero, one] = [0, 1].map((v) => constant(int64([], [v])));
    assert.equal(typeof range({}, zero, limit, one).shape[0], "string");
  });
});

describe("operators by hand: padding and resizing", () => {
  it("reflects without the border, repeats it, or goes round", () => {
    const padded = (mode: string) => numbers(pad({ pads: [2, 1], mode }, of([1, 2, 3])));
    assert.deepEqual(padded("reflect"), [3, 2, 1, 2, 3, 2]);
    assert.deepEqual(padded("edge"), [1, 1, 1, 2, 3, 3]);
    assert.deepEqual(padded("wrap"), [2, 3, 1, 2, 3, 1]);
    // 1 stands once, 2 twice more (left and right), 3 once more.
    assert.deepEqual(
      slope((v) => pad({ pads: [2, 1], mode: "reflect" }, v), [1, 2, 3]),
      [1, 3, 2],
    );
  });

  it("interpolates between centres, and sums the weights back", () => {
    // Twice as long: places −¼, ¼, ¾, 1¼.
    const twice = (v: Value) => resize({ mode: "linear", axes: [0], scales: [2] }, v);
    assert.deepEqual(numbers(twice(of([0, 4]))), [0, 1, 3, 4]);
    assert.deepEqual(slope(twice, [0, 4]), [2, 2]);
  });

  it("takes over crops and what lies outside of them", () => {
    // From 0.5 to 1.5 of an axis of length 3: places 1, 2, 3; 3 is outside.
    const attrs = {
      mode: "linear",
      coordinate_transformation_mode: "tf_crop_and_resize",
      axes: [0],
      sizes: [3],
      roi: [0.5, 1.5],
      extrapolation_value: 9,
    };
    assert.deepEqual(numbers(resize(attrs, of([1, 2, 4]))), [2, 4, 9]);
    assert.deepEqual(
      slope((v) => resize(attrs, v), [1, 2, 4]),
      [0, 1, 1],
    );
  });

  it("writes every part of a Split, also those that nobody reads", async () => {
    const from = x(2, 6);
    const [first] = split.node({ axis: 1, num_outputs: 3 }, [from]).outputs;
    const { graph } = await f.readWell(encode({ inputs: [from], outputs: [first!] }));
    assert.deepEqual(graph.outputs[0]!.shape, [2, 2]);
  });

  it("repeats the whole, and units stand in every copy", () => {
    assert.deepEqual(numbers(tile({ repeats: [2] }, of([1, 2]))), [1, 2, 1, 2]);
    assert.deepEqual(tile({ repeats: [1, 2] }, x("N", 3)).shape, ["N", 6]);
  });
});

describe("operators by hand: quantisation", () => {
  const scale = of([0.5], []);
  const zero = constant(tensor("int8", [], Int8Array.of(1)));

  it("rounds half to even, adds the zero point and saturates", () => {
    // 0.25/0.5 = 0.5 → 0, 0.75/0.5 = 1.5 → 2, −1.25/0.5 = −2.5 → −2; 100/0.5 = 200 → 127
    const q = quantizeLinear({}, of([0.25, 0.75, -1.25, 100]), scale, zero);
    assert.deepEqual(numbers(q), [1, 3, -1, 127]);
    assert.deepEqual(numbers(dequantizeLinear({}, q, scale, zero)), [0, 1, -1, 63]);
  });

  it("differentiates straight through inside the range, and not outside", () => {
    const there = (v: Value) =>
      dequantizeLinear({}, quantizeLinear({}, v, scale, zero), scale, zero);
    assert.deepEqual(slope(there, [0.3, -60, 63, 63.2, -64.6, 1000]), [1, 1, 1, 0, 0, 0]);
  });

  it("differentiates a dense layer of integers as the layer it stands for", async () => {
    // x → uint8 with its own scale → integer product → float again, times both scales.
    const weights = [3, -5, 7, 2, 40, -90];
    const bytes = f.fileOf({
      nodes: [
        f.nodeOf("DynamicQuantizeLinear", ["x"], ["q", "s", "z"]),
        f.nodeOf("MatMulInteger", ["q", "w", "z"], ["product"]),
        f.nodeOf("Cast", ["product"], ["numbers"], [f.intAttr("to", 1)]),
        f.nodeOf("Mul", ["numbers", "s"], ["scaled"]),
        f.nodeOf("Mul", ["scaled", "ws"], ["y"]),
      ],
      tensors: [
        f.tensorOf(
          "w",
          3,
          [3, 2],
          [Uint8Array.of((9 << 3) | 2, weights.length), f.bytesLE(Int8Array.from(weights))],
        ),
        f.floats("ws", [], [0.01]),
      ],
      inputs: [f.info("x", [1, 3])],
      outputs: [f.info("y", [1, 2])],
    });
    const { graph } = await f.readWell(bytes);
    const [y] = graph.outputs;
    const [from] = graph.inputs;
    const found = backward([{ output: y!, cotangent: of([1, 10], [1, 2]) }], [from!]).get(from!)!;
    const at = new Map([[from!, float32([1, 3], [0.2, -1, 1.5])]]);
    const gradient = evaluate([found], at)[0]!.data;
    // W·v for the elements inside. The extremes, which set the scale, also move it: by the rounding errors.
    assert.ok(Math.abs(gradient[0]! - 0.01 * (3 - 50)) < 1e-6, String(gradient[0]));
    for (const [i, expected] of [0.07 + 0.2, 0.4 - 9].entries())
      assert.ok(Math.abs(gradient[i + 1]! - expected) < 0.6, String(gradient[i + 1]));
  });
});

type Row = readonly [
  type: string,
  attrs: Attrs,
  inputs: readonly (Value | undefined)[],
  message: RegExp,
];

/** Nodes as a broken or hostile file may have them. */
const invalid: readonly Row[] = [
  ["ConstantOfShape", { shape: [-1] }, [], /entry below 0/],
  ["ConstantOfShape", { shape: [2], value: int64([2], [1, 2]) }, [], /value is not a scalar/],
  ["Gather", {}, [x(3), of([1])], /indices is float32/],
  ["Gather", { axis: 2 }, [x(3, 2), whole(1)], /axis 2 is outside rank 2/],
  ["GatherND", {}, [x(3), constant(int64([1, 2], [0, 0]))], /more than the data have/],
  ["GatherND", { batch_dims: -1 }, [x(3), constant(int64([1, 1], [0]))], /negative/],
  ["ScatterND", {}, [x(3), constant(int64([1, 1], [0])), x(2)], /updates are \[2\], need \[1\]/],
  ["ScatterND", { reduction: "mean" }, [x(3), constant(int64([1, 1], [0])), x(1)], /mean is unk/],
  ["Squeeze", { axes: [0] }, [x(3, 1)], /axis 0 has length 3, not 1/],
  ["Squeeze", { axes: [0] }, [x("N", 1)], /axis 0 has length N, not 1/],
  ["Unsqueeze", { axes: [0, 0] }, [x(3)], /repeats an axis/],
  ["Unsqueeze", { axes: [3] }, [x(3)], /outside rank 2/],
  ["Split", { num_outputs: 4 }, [x(2)], /2 elements do not make 4 parts/],
  ["Split", { split: [1, 3] }, [x(3)], /parts are 4 long, axis 0 is 3/],
  ["Split", { num_outputs: 2 }, [x("N")], /symbolic \(N\)/],
  ["Tile", { repeats: [2] }, [x(2, 2)], /has 1 entries, needs 2/],
  ["Range", {}, [whole(0), whole(9), whole(0)], /delta is 0/],
  ["Range", {}, [of([0]), of([1]), of([1e-30])], /does not end/],
  ["TopK", { k: 4 }, [x(3)], /not 4 elements/],
  ["ArgMax", {}, [x(0, 2)], /axis 0 is empty/],
  ["OneHot", { depth: 0 }, [whole(1), of([0, 1])], /depth 0 is not positive/],
  ["OneHot", { depth: 2 }, [whole(1), of([1])], /values must be \[off, on\]/],
  ["EyeLike", {}, [x(3)], /must be a matrix/],
  ["Einsum", {}, [x(2)], /equation is missing/],
  ["Einsum", { equation: "ij,jk->ik" }, [x(2, 3)], /2 terms for 1/],
  ["Einsum", { equation: "ij->i" }, [x(2)], /does not fit \[2\]/],
  ["Einsum", { equation: "i->ij" }, [x(2)], /letter of the result is in no term/],
  ["Einsum", { equation: "ij->ii" }, [x(2, 2)], /result repeats a letter/],
  ["Einsum", { equation: "i,i->i" }, [x(2), x(3)], /lengths 2 and 3 differ/],
  ["Einsum", { equation: "i->i->i" }, [x(2)], /more than one ->/],
  ["Einsum", { equation: "i!->i" }, [x(2)], /the term i!/],
  ["Pad", { pads: [1, 1], mode: "mirror" }, [x(3)], /mode mirror is unknown/],
  ["Resize", { mode: "linear", axes: [0] }, [x(3)], /either scales or sizes/],
  ["Resize", { mode: "linear", axes: [0], scales: [0] }, [x(3)], /scale 0 is not positive/],
  ["Resize", { mode: "linear", axes: [0], scales: [0.1] }, [x(3)], /gets length 0/],
  ["Resize", { mode: "sharp", axes: [0], sizes: [4] }, [x(3)], /mode sharp is unknown/],
  ["Resize", { mode: "linear", axes: [0], sizes: [4] }, [x("N")], /symbolic \(N\)/],
  ["ReverseSequence", {}, [x(3, 2), whole(1, 2, 3)], /one length for each sequence/],
  ["GridSample", { mode: "linear" }, [x(1, 1, 2, 2), x(1, 2, 2, 3)], /2 coordinates/],
  ["DequantizeLinear", {}, [x(2), of([1], [])], /needs an integer type/],
  ["QuantizeLinear", { axis: 0 }, [x(3), of([1, 2])], /does not fit the tensor along axis 0/],
  ["QuantizeLinear", { output_dtype: 6 }, [x(3), of([1], [])], /int32 is not an integer type of/],
];

describe("nodes that do not fit: shapes, indices, recurrences, quantisation", () => {
  for (const [type, attrs, inputs, message] of invalid)
    it(`${type} ${JSON.stringify(attrs)} of ${inputs.map((v) => `[${v?.shape}]`).join(" ")}`, () => {
      assert.throws(
        () => operatorOfType.get(type)!.node(attrs, inputs),
        (error) => error instanceof InvalidNode && message.test(error.message),
      );
    });

  it("an index outside of its tensor is an error, not another element", () => {
    const outside = gather({}, of([1, 2]), input("i", "int64", [1]));
    const fed = new Map<Value, Tensor>([[outside.node.inputs[1]!, int64([1], [2])]]);
    assert.throws(() => evaluate([outside], fed), /index 2 is outside length 2/);
  });
});

describe("channel rules of Einsum", () => {
  const rule = (equation: string, inputs: Value[], i: number, axis: number) => {
    const { node } = einsum({ equation }, ...inputs);
    return operatorOfType.get("Einsum")!.channels(node, i, axis);
  };

  it("a projection ends units with its weights' axis, or makes new ones", () => {
    const weights = of(f.range(12), [4, 3]);
    assert.deepEqual(rule("btd,df->btf", [x("N", 5, 4), weights], 0, 2), {
      kind: "consume",
      cuts: [{ input: 1, axis: 0 }],
    });
    assert.deepEqual(rule("btd,df->btf", [x("N", 5, 4), weights], 1, 1), {
      kind: "carry",
      axis: 2,
      outer: 1,
      inner: 1,
      cuts: [],
    });
  });

  it("a product of computed values is cut on both sides", () => {
    assert.deepEqual(rule("bij,bjk->bik", [x(2, 3, 4), x(2, 4, 5)], 0, 2), {
      kind: "consume",
      cuts: [{ input: 1, axis: 1 }],
    });
  });
});

describe("recurrent layers in other layouts", () => {
  it("the batch may come first", async () => {
    const shape = [1, 8, 2];
    const w = f.floats(
      "w",
      shape,
      f.range(16).map((i) => Math.sin(i)),
    );
    const r = f.floats(
      "r",
      shape,
      f.range(16).map((i) => Math.cos(i)),
    );
    const model = async (attrs: Parameters<typeof f.nodeOf>[3], dims: number[]) =>
      f.readWell(
        f.fileOf({
          nodes: [f.nodeOf("LSTM", ["x", "w", "r"], ["y", "h", "c"], attrs)],
          tensors: [w, r],
          inputs: [f.info("x", dims)],
          outputs: ["y", "h", "c"].map((n) => f.info(n, [])),
        }),
      );
    const plain = (await model([], [4, 1, 2])).graph;
    const batchFirst = (await model([f.intAttr("layout", 1)], [1, 4, 2])).graph;
    const data = f.range(8).map((i) => Math.sin(3 * i));
    const run = (g: typeof plain, dims: number[]) =>
      evaluate(g.outputs, new Map([[g.inputs[0]!, float32(dims, data)]]));
    const [expected, found] = [run(plain, [4, 1, 2]), run(batchFirst, [1, 4, 2])];
    assert.deepEqual(
      found.map((t) => t.shape),
      [
        [1, 4, 1, 2],
        [1, 1, 2],
        [1, 1, 2],
      ],
    );
    found.forEach((t, i) => {
      assert.deepEqual([...t.data], [...expected[i]!.data]);
    });
  });
});
