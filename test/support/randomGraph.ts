import { constant, type Graph, input, type Value } from "#core/ir/graph.ts";
import { float32, int64, known, size } from "#core/ir/tensor.ts";
import { operatorOfType } from "#core/ops/index.ts";
import type { Attrs } from "#core/ops/operator.ts";
import { type Random, random } from "#core/random.ts";
import { normal } from "./build.ts";

/** Tensors stay small: the reference runs them too. */
const LARGEST = 3000;
const MOST_STEPS = 12;

/**
 * A random graph of operators with random shapes and attributes; the same for the same seed. Numbers
 * stay of the order of 1, so that rounding does.
 */
export function randomGraph(seed: number): Graph {
  const dice = new Dice(seed);
  const rank = dice.pick([2, 3, 4, 4, 4]);
  const shape = [dice.between(1, 3), ...Array.from({ length: rank - 1 }, () => dice.between(2, 8))];
  const x = input("x", "float32", shape);
  const values: Value[] = [x];
  for (let steps = dice.between(3, MOST_STEPS); steps > 0; ) {
    // Later values are more likely: graphs get deep rather than wide.
    const from =
      values[Math.max(dice.between(0, values.length - 1), dice.between(0, values.length - 1))]!;
    const made = dice.pick(growths)(from, dice, values);
    if (made === undefined || !made.shape.length || size(known(made.shape)) > LARGEST) continue;
    values.push(made);
    steps--;
  }
  const used = new Set(values.flatMap((v) => v.node.inputs));
  const ends = values.filter((v) => v !== x && !used.has(v));
  return { inputs: [x], outputs: ends };
}

/** Applies something to a value; undefined where it does not fit. */
type Growth = (x: Value, dice: Dice, values: readonly Value[]) => Value | undefined;

class Dice {
  readonly #random: Random;
  #constants: number;

  constructor(seed: number) {
    this.#random = random(seed);
    this.#constants = seed * 1000;
  }

  between(from: number, to: number): number {
    return from + Math.floor(this.#random.uniform() * (to - from + 1));
  }

  chance(): boolean {
    return this.#random.uniform() < 0.5;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.between(0, from.length - 1)]!;
  }

  shuffled(n: number): number[] {
    const order = Array.from({ length: n }, (_, i) => i);
    for (let i = n - 1; i > 0; i--) {
      const j = this.between(0, i);
      [order[i], order[j]] = [order[j]!, order[i]!];
    }
    return order;
  }

  weights(shape: readonly number[], deviation = 1): Value {
    return constant(normal(shape, ++this.#constants, deviation));
  }
}

/** Applied where the table has the operator. */
function apply(
  type: string,
  attrs: Attrs,
  inputs: readonly (Value | undefined)[],
): Value | undefined {
  return operatorOfType.get(type)?.node(attrs, inputs).outputs[0];
}

const maps = (
  "Relu Sigmoid Tanh Abs Neg Identity LeakyRelu Elu Selu Erf Gelu Softplus Softsign HardSigmoid " +
  "HardSwish Sin Cos Mish"
).split(" ");

const activate: Growth = (x, dice) => apply(dice.pick(maps), {}, [x]);

/** With a constant that broadcasts, or another value of the same shape. */
const combine: Growth = (x, dice, values) => {
  const type = dice.pick(["Add", "Sub", "Mul", "Max", "Min"]);
  const shape = known(x.shape);
  const same = values.filter((v) => v.shape.join() === x.shape.join() && v !== x);
  if (same.length > 0 && dice.chance()) return apply(type, {}, [x, dice.pick(same)]);
  const narrow = shape.map((n) => (dice.chance() ? n : 1)).slice(dice.between(0, shape.length));
  const other = dice.weights(narrow);
  return apply(type, {}, dice.chance() ? [x, other] : [other, x]);
};

const affine: Growth = (x, dice) => {
  const shape = known(x.shape);
  const [inner, units] = [shape.at(-1)!, dice.between(1, 6)];
  const scale = 1 / Math.sqrt(inner);
  if (shape.length === 2 && dice.chance()) {
    const transB = dice.between(0, 1);
    const w = dice.weights(transB ? [units, inner] : [inner, units], scale);
    return apply("Gemm", { transB }, [x, w, dice.chance() ? dice.weights([units]) : undefined]);
  }
  return apply("MatMul", {}, [x, dice.weights([inner, units], scale)]);
};

/** Every row of the value against every other: attention without its softmax. */
const similarity: Growth = (x) => {
  const rank = x.shape.length;
  if (rank < 3) return undefined;
  const perm = Array.from({ length: rank }, (_, d) => d);
  [perm[rank - 2], perm[rank - 1]] = [rank - 1, rank - 2];
  const product = apply("MatMul", {}, [x, apply("Transpose", { perm }, [x])]);
  const scale = constant(float32([], [1 / known(x.shape).at(-1)!]));
  return apply("Mul", {}, [product, scale]);
};

/** Kernel, strides, dilations and pads that fit the axes. */
function windowOf(spatial: readonly number[], dice: Dice, dilates: boolean) {
  const kernel_shape = spatial.map((n) => dice.between(1, Math.min(n, 3)));
  const dilations = kernel_shape.map((k, d) =>
    dilates && (k - 1) * 2 < spatial[d]! && dice.chance() ? 2 : 1,
  );
  const pads = [...kernel_shape, ...kernel_shape].map((k) => dice.between(0, k - 1));
  return { kernel_shape, dilations, pads, strides: spatial.map(() => dice.between(1, 2)) };
}

const convolve: Growth = (x, dice) => {
  const [, channels, ...spatial] = known(x.shape) as [number, number, ...number[]];
  if (spatial.length < 1 || spatial.length > 2) return undefined;
  const window = windowOf(spatial, dice, true);
  const group = dice.chance() ? 1 : dice.pick([channels, channels % 2 === 0 ? 2 : 1]);
  const scale = 1 / Math.sqrt((channels / group) * size(window.kernel_shape));
  if (dice.between(0, 3) === 0) {
    const w = dice.weights([channels, dice.between(1, 2), ...window.kernel_shape], scale);
    return apply("ConvTranspose", { ...window, group, pads: spatial.flatMap(() => [0, 0]) }, [
      x,
      w,
    ]);
  }
  const maps = group * dice.between(1, 3);
  const w = dice.weights([maps, channels / group, ...window.kernel_shape], scale);
  return apply("Conv", { ...window, group }, [
    x,
    w,
    dice.chance() ? dice.weights([maps]) : undefined,
  ]);
};

const pool: Growth = (x, dice) => {
  const spatial = known(x.shape).slice(2);
  if (spatial.length < 1 || spatial.length > 2) return undefined;
  if (dice.between(0, 3) === 0)
    return apply(dice.pick(["GlobalAveragePool", "GlobalMaxPool"]), {}, [x]);
  const { dilations: _, ...window } = windowOf(spatial, dice, false);
  // ONNX Runtime counts windows that begin beyond the input, which ONNX leaves out: here none does.
  const begins = window.strides.every((s, d) => s <= window.kernel_shape[d]!);
  const ends = window.pads.slice(spatial.length).every((n) => n === 0);
  const ceil_mode = begins && ends ? dice.between(0, 1) : 0;
  return dice.chance()
    ? apply("MaxPool", { ...window, ceil_mode }, [x])
    : apply("AveragePool", { ...window, count_include_pad: dice.between(0, 1) }, [x]);
};

const normalise: Growth = (x, dice) => {
  const channels = known(x.shape)[1];
  if (channels === undefined) return undefined;
  const variance = constant(float32([channels], new Float32Array(channels).fill(0.7)));
  const parameters = [1, 2, 3].map(() => dice.weights([channels]));
  if (dice.chance()) return apply("BatchNormalization", {}, [x, ...parameters, variance]);
  const last = [known(x.shape).at(-1)!];
  return apply("LayerNormalization", { axis: -1, epsilon: 0.1 }, [
    x,
    dice.weights(last),
    dice.weights(last),
  ]);
};

const softmax: Growth = (x, dice) =>
  apply(
    dice.pick(["Softmax", "LogSoftmax"]),
    { axis: dice.between(-x.shape.length, x.shape.length - 1) },
    [x],
  );

const reduce: Growth = (x, dice) => {
  const axes = dice.shuffled(x.shape.length).slice(0, dice.between(1, x.shape.length));
  const type = dice.pick(["ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceL2"]);
  const reduced = apply(type, { axes, keepdims: dice.between(0, 1) }, [x]);
  // Sums grow with the tensor.
  return type === "ReduceSum" && reduced !== undefined
    ? apply("Mul", {}, [reduced, constant(float32([], [0.2]))])
    : reduced;
};

const permute: Growth = (x, dice) =>
  apply("Transpose", { perm: dice.shuffled(x.shape.length) }, [x]);

/** Neighbouring axes merged, or one taken apart. */
const reshape: Growth = (x, dice) => {
  const shape = [...known(x.shape)];
  const at = dice.between(0, shape.length - 1);
  const n = shape[at]!;
  if (dice.chance() && at + 1 < shape.length) shape.splice(at, 2, n * shape[at + 1]!);
  else if (shape.length < 5) shape.splice(at, 1, ...(n % 2 === 0 ? [2, n / 2] : [n, 1]));
  return apply("Reshape", {}, [x, constant(int64([shape.length], shape))]);
};

const slice: Growth = (x, dice) => {
  const shape = known(x.shape);
  const axis = dice.between(0, shape.length - 1);
  const n = shape[axis]!;
  if (n < 2) return undefined;
  const forward = dice.chance();
  const [low, high] = [dice.between(0, n - 2), n - 1];
  return apply(
    "Slice",
    forward
      ? { axes: [axis], starts: [low], ends: [high + 1], steps: [dice.between(1, 2)] }
      : { axes: [axis], starts: [high], ends: [low - n - 1], steps: [-dice.between(1, 2)] },
    [x],
  );
};

const pad: Growth = (x, dice) => {
  const pads = [...x.shape, ...x.shape].map(() => Math.max(0, dice.between(-2, 2)));
  return apply("Pad", { pads }, [x]);
};

const concat: Growth = (x, dice, values) => {
  const axis = dice.between(0, x.shape.length - 1);
  const fits = (v: Value) =>
    v.shape.length === x.shape.length && v.shape.every((n, d) => d === axis || n === x.shape[d]);
  return apply("Concat", { axis }, [x, dice.pick(values.filter(fits))]);
};

const gather: Growth = (x, dice) => {
  const axis = dice.between(0, x.shape.length - 1);
  const n = known(x.shape)[axis]!;
  const indices = Array.from({ length: dice.between(1, 4) }, () => dice.between(-n, n - 1));
  return apply("Gather", { axis }, [x, constant(int64([indices.length], indices))]);
};

const blocks: Growth = (x) => {
  const [, , h, w] = known(x.shape);
  if (x.shape.length !== 4 || h! % 2 !== 0 || w! % 2 !== 0) return undefined;
  return apply("SpaceToDepth", { blocksize: 2 }, [x]);
};

const mask: Growth = (x, dice) => {
  const zero = constant(float32([], [0]));
  const positive = apply("Greater", {}, [x, zero]);
  return apply("Where", {}, [positive, x, dice.weights([known(x.shape).at(-1)!], 0.5)]);
};

const clip: Growth = (x) =>
  apply("Clip", {}, [x, constant(float32([], [-0.8])), constant(float32([], [0.9]))]);

/** Convolutions and elementwise operators most: layouts change between them and the others. */
const growths: readonly Growth[] = [
  ...[activate, activate, activate, combine, combine, combine],
  ...[convolve, convolve, convolve, convolve, pool, pool, normalise, normalise],
  ...[affine, similarity, softmax, reduce, permute, reshape, slice, pad, concat, gather],
  ...[blocks, mask, clip],
];
