import assert from "node:assert/strict";
import { backward } from "#core/autodiff/backward.ts";
import { constant, input, type Value } from "#core/ir/graph.ts";
import { float32, int64 } from "#core/ir/tensor.ts";
import { averagePool } from "#core/ops/averagePool.ts";
import { batchNormalization } from "#core/ops/batchNormalization.ts";
import { clip } from "#core/ops/clip.ts";
import { conv } from "#core/ops/conv.ts";
import { convTranspose } from "#core/ops/convTranspose.ts";
import { gemm } from "#core/ops/gemm.ts";
import { matMul } from "#core/ops/matMul.ts";
import { maxPool } from "#core/ops/maxPool.ts";
import { relu } from "#core/ops/relu.ts";
import { reshape } from "#core/ops/reshape.ts";
import { resize } from "#core/ops/resize.ts";
import { slice } from "#core/ops/slice.ts";
import { softmax } from "#core/ops/softmax.ts";
import { evaluate } from "#core/runtime/reference.ts";

/** A tensor of the given shape from its elements; a single row when no shape is given. */
const of = (elements: readonly number[], shape: readonly number[] = [elements.length]): Value =>
  constant(float32(shape, elements));

/** The first output, as a flat list. */
const numbers = (value: Value): number[] => Array.from(evaluate([value], new Map())[0]!.data);

const check = (value: Value, shape: readonly (number | string)[], elements: readonly number[]) => {
  assert.deepEqual(value.shape, shape);
  numbers(value).forEach((v, i) => {
    assert.ok(Math.abs(v - elements[i]!) < 1e-6, `[${i}]: ${v}, not ${elements[i]}`);
  });
};

/** d(Σ y)/dx at the elements. */
function slope(f: (x: Value) => Value, elements: readonly number[], shape = [elements.length]) {
  const x = input("x", "float32", shape);
  const y = f(x);
  const ones = constant(float32(y.shape as number[], new Array(numel(y)).fill(1)));
  const gradient = backward([{ output: y, cotangent: ones }], [x]).get(x)!;
  return Array.from(evaluate([gradient], new Map([[x, float32(shape, elements)]]))[0]!.data);
}

const numel = (v: Value): number => (v.shape as number[]).reduce((a, b) => a * b, 1);

const grid = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1);

describe("operators by hand: convolution", () => {
  const x = of(grid(9), [1, 1, 3, 3]);
  const kernel = of([1, 0, 0, -1], [1, 1, 2, 2]);

  it("slides the kernel without flipping it", () => {
    // 1−5, 2−6, 4−8, 5−9
    check(conv({}, x, kernel), [1, 1, 2, 2], [-4, -4, -4, -4]);
  });

  it("pads with zeros and adds the bias", () => {
    // one row of zeros above, one column after: rows (0 − below right), then as before
    const y = conv({ pads: [1, 0, 0, 1] }, x, kernel, of([10]));
    check(y, [1, 1, 3, 3], [10 - 2, 10 - 3, 10, 6, 6, 10 + 3, 6, 6, 10 + 6]);
  });

  it("takes strides and dilations", () => {
    const row = of(grid(7), [1, 1, 7]);
    // x[2i] − x[2i + 3]: 1−4, 3−6
    check(conv({ strides: [2], dilations: [3] }, row, of([1, -1], [1, 1, 2])), [1, 1, 2], [-3, -3]);
  });

  it("keeps groups apart", () => {
    const pair = of([1, 2, 10, 20], [1, 2, 2]);
    check(conv({ group: 2 }, pair, of([3, 5], [2, 1, 1])), [1, 2, 2], [3, 6, 50, 100]);
  });

  it("puts the odd padding after the data for SAME_UPPER, before it for SAME_LOWER", () => {
    const row = of([1, 2, 3], [1, 1, 3]);
    const ones = of([1, 1], [1, 1, 2]);
    check(conv({ auto_pad: "SAME_UPPER" }, row, ones), [1, 1, 3], [3, 5, 3]);
    check(conv({ auto_pad: "SAME_LOWER" }, row, ones), [1, 1, 3], [1, 3, 5]);
  });

  it("spreads the kernel in the transpose, with room left by output_padding", () => {
    const y = convTranspose(
      { strides: [3], output_padding: [1] },
      of([1, 10], [1, 1, 2]),
      of([1, 2], [1, 1, 2]),
    );
    check(y, [1, 1, 6], [1, 2, 0, 10, 20, 0]);
  });

  it("counts multiply–accumulates", () => {
    const node = conv.node({ group: 2 }, [of(grid(36), [1, 4, 3, 3]), of(grid(48), [6, 2, 2, 2])]);
    assert.equal(conv.macs!(node), 6 * 4 * 2 * 4);
    assert.equal(gemm.macs!(gemm.node({}, [of(grid(6), [2, 3]), of(grid(12), [3, 4])])), 24);
    assert.equal(matMul.macs!(matMul.node({}, [of(grid(12), [2, 2, 3]), of(grid(3))])), 12);
  });
});

describe("operators by hand: pooling", () => {
  const row = of([5, 1, 2, 4, 3], [1, 1, 5]);

  it("lets an incomplete last window in with ceil_mode only", () => {
    const attrs = { kernel_shape: [2], strides: [2] };
    check(maxPool(attrs, row), [1, 1, 2], [5, 4]);
    check(maxPool({ ...attrs, ceil_mode: 1 }, row), [1, 1, 3], [5, 4, 3]);
    check(averagePool({ ...attrs, ceil_mode: 1 }, row), [1, 1, 3], [3, 3, 3]);
  });

  it("drops a last window that would start in the padding", () => {
    // length 2, padded to 4: with stride 3 the second window would start at the padding after the data
    const y = maxPool(
      { kernel_shape: [2], strides: [3], pads: [1, 1], ceil_mode: 1 },
      of([1, 2], [1, 1, 2]),
    );
    check(y, [1, 1, 1], [1]);
  });

  it("numbers the maxima through the whole batch", () => {
    const x = of([1, 2, 4, 3], [2, 1, 2]);
    const { outputs } = maxPool.node({ kernel_shape: [2] }, [x]);
    assert.deepEqual(numbers(outputs[0]!), [2, 4]);
    assert.deepEqual(numbers(outputs[1]!), [1, 2]);
  });

  it("gives the whole gradient to the first of equal maxima", () => {
    const pool = (attrs: object) => (x: Value) => maxPool({ kernel_shape: [2], ...attrs }, x);
    assert.deepEqual(slope(pool({ strides: [2] }), [7, 7, 1, 7], [1, 1, 4]), [1, 0, 0, 1]);
    assert.deepEqual(slope(pool({}), [7, 7, 1, 7], [1, 1, 4]), [1, 1, 0, 1]);
  });

  it("counts the padding in the average with count_include_pad only", () => {
    const attrs = { kernel_shape: [3], strides: [2], pads: [1, 1] };
    // windows (·51) (124) (43·)… over · 5 1 2 4 3 ·
    check(averagePool(attrs, row), [1, 1, 3], [3, 7 / 3, 3.5]);
    check(averagePool({ ...attrs, count_include_pad: 1 }, row), [1, 1, 3], [2, 7 / 3, 7 / 3]);
  });

  it("never counts what lies beyond the padding", () => {
    // windows of 3 over · 6 6 6 6 with stride 3, ceil_mode: (·66) (66) – the second reaches past the end
    const y = averagePool(
      { kernel_shape: [3], strides: [3], pads: [1, 0], ceil_mode: 1, count_include_pad: 1 },
      of([6, 6, 6, 6], [1, 1, 4]),
    );
    check(y, [1, 1, 2], [4, 6]);
  });
});

describe("operators by hand: the rest", () => {
  it("transposes the operands of Gemm and scales", () => {
    const [a, b] = [of([1, 2, 3, 4], [2, 2]), of([1, 0, 5, 1], [2, 2])];
    check(gemm({}, a, b), [2, 2], [11, 2, 23, 4]);
    check(gemm({ transA: 1 }, a, b), [2, 2], [16, 3, 22, 4]);
    check(gemm({ transB: 1 }, a, b), [2, 2], [1, 7, 3, 19]);
    const bias = of([1, -1], [2, 1]);
    check(gemm({ transA: 1, transB: 1, alpha: 2, beta: 3 }, a, b, bias), [2, 2], [5, 19, 1, 25]);
  });

  it("normalises Softmax along its axis", () => {
    const x = of([0, Math.log(3), 0, 0], [2, 2]);
    check(softmax({}, x), [2, 2], [0.25, 0.75, 0.5, 0.5]);
    check(softmax({ axis: 0 }, x), [2, 2], [0.5, 0.75, 0.5, 0.25]);
    check(softmax({}, of([1000, 1000])), [2], [0.5, 0.5]);
  });

  it("normalises a batch with the stored moments", () => {
    const [scale, shift, mean, variance] = [[2], [1], [3], [4 - 1e-5]].map((v) => of(v));
    const y = batchNormalization({}, of([3, 7], [2, 1]), scale, shift, mean, variance);
    check(y, [2, 1], [1, 5]);
  });

  it("takes derivatives at kinks as the frameworks do", () => {
    assert.deepEqual(
      slope((x) => relu({}, x), [-1, 0, 2]),
      [0, 0, 1],
    );
    const clipped = (x: Value) =>
      clip({}, x, constant(float32([], [-1])), constant(float32([], [1])));
    assert.deepEqual(slope(clipped, [-2, -1, 0, 1, 2]), [0, 1, 1, 1, 0]);
  });

  it("slices backwards", () => {
    const x = of([10, 11, 12, 13, 14]);
    check(slice({ starts: [-1], ends: [-100], steps: [-2] }, x), [3], [14, 12, 10]);
    check(slice({ starts: [3], ends: [0], steps: [-1] }, x), [3], [13, 12, 11]);
    check(slice({ starts: [4], ends: [2] }, x), [0], []);
  });

  it("repeats elements in Resize", () => {
    check(resize({ scales: [1, 3] }, of([1, 2], [1, 2])), [1, 6], [1, 1, 1, 2, 2, 2]);
  });

  it("reshapes around a batch of unknown size", () => {
    const x = input("x", "float32", ["N", 64, 12, 12]);
    const to = (...shape: number[]) => reshape({}, x, constant(int64([shape.length], shape))).shape;
    assert.deepEqual(to(-1, 9216), ["N", 9216]);
    assert.deepEqual(to(0, -1), ["N", 9216]);
    assert.deepEqual(to(0, 0, 144), ["N", 64, 144]);
    assert.deepEqual(to(-1), ["N*9216"]);
    assert.deepEqual(to(-1, 12, 12), ["N*64", 12, 12]);
  });

  it("evaluates a graph with a symbolic batch by what is fed", () => {
    const x = input("x", "float32", ["N", 2]);
    const y = reshape({}, relu({}, x), constant(int64([2], [-1, 1])));
    assert.deepEqual(y.shape, ["N*2", 1]);
    const [result] = evaluate([y], new Map([[x, float32([3, 2], [1, -1, 2, -2, 3, -3])]]));
    assert.deepEqual(result!.shape, [6, 1]);
    assert.deepEqual(Array.from(result!.data), [1, 0, 2, 0, 3, 0]);
  });
});
