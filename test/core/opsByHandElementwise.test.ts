import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { backward } from "#core/autodiff/backward.ts";
import { constant, input, type Value } from "#core/ir/graph.ts";
import { float32, int64, size, type Tensor, tensor } from "#core/ir/tensor.ts";
import { erfOf } from "#core/ops/erf.ts";
import { operatorOfType } from "#core/ops/index.ts";
import { type Attrs, InvalidNode, type Operator } from "#core/ops/operator.ts";
import { evaluate } from "#core/runtime/reference.ts";

const op = (type: string): Operator => operatorOfType.get(type)!;

interface Numbers {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

interface Case {
  readonly type: string;
  readonly note: string;
  readonly attrs: Attrs;
  readonly inputs: readonly Numbers[];
  readonly weights: Numbers;
  readonly y: Numbers;
  readonly gradients: readonly (Numbers | null)[];
}

/** What PyTorch computes; made by make.py, which stands beside it. */
const fixture = new URL("../fixtures/operators/pytorch.json", import.meta.url);
const cases: readonly Case[] = JSON.parse(readFileSync(fixture, "utf8"));

const wide = ({ shape, data }: Numbers): Tensor =>
  tensor("float64", shape, Float64Array.from(data));

function close(actual: Tensor, expected: Numbers, what: string): void {
  assert.equal(size(actual.shape), expected.data.length, what);
  expected.data.forEach((v, i) => {
    const found = actual.data[i]!;
    assert.ok(
      Math.abs(found - v) <= 1e-12 * (1 + Math.abs(v)),
      `${what}[${i}]: ${found}, not ${v}`,
    );
  });
}

describe("operators as PyTorch computes them", () => {
  cases.forEach(({ type, note, attrs, inputs, weights, y, gradients }, i) => {
    it(`${i + 1}: ${type}${note === "" ? "" : `, ${note}`}`, () => {
      const values = inputs.map((x, k) => input(`x${k}`, "float64", x.shape));
      const feeds = new Map(values.map((v, k) => [v, wide(inputs[k]!)]));
      const output = op(type).node(attrs, values).outputs[0]!;
      close(evaluate([output], feeds)[0]!, y, "y");
      const shape = output.shape as readonly number[];
      const cotangent = constant(wide({ shape, data: weights.data }));
      const found = backward([{ output, cotangent }], values);
      values.forEach((v, k) => {
        const expected = gradients[k];
        if (expected == null) return;
        close(evaluate([found.get(v)!], feeds)[0]!, expected, `gradient by input ${k}`);
      });
    });
  });
});

/** A tensor of the given shape from its elements; a single row when no shape is given. */
const of = (elements: readonly number[], shape: readonly number[] = [elements.length]): Value =>
  constant(float32(shape, elements));

const bool = (...elements: number[]): Value =>
  constant(tensor("bool", [elements.length], Uint8Array.from(elements)));

/** The first output, as a flat list. */
const numbers = (value: Value): number[] => Array.from(evaluate([value], new Map())[0]!.data);

const run = (type: string, attrs: Attrs, ...inputs: Value[]): number[] =>
  numbers(op(type).node(attrs, inputs).outputs[0]!);

/** d(Σ y)/dx at the elements. */
function slope(type: string, attrs: Attrs, elements: readonly number[], shape = [elements.length]) {
  const x = input("x", "float32", shape);
  const y = op(type).node(attrs, [x]).outputs[0]!;
  const ones = new Array<number>(size(y.shape as number[])).fill(1);
  const cotangent = of(ones, y.shape as number[]);
  const gradient = backward([{ output: y, cotangent }], [x]).get(x)!;
  return Array.from(evaluate([gradient], new Map([[x, float32(shape, elements)]]))[0]!.data);
}

describe("operators by hand: the error function", () => {
  it("is exact to 1e-14 on both sides of its two formulas", () => {
    // by mpmath at 30 digits
    const known: readonly (readonly [number, number])[] = [
      [1e-10, 1.1283791670955126e-10],
      [0.5, 0.5204998778130465],
      [1, 0.8427007929497149],
      [2.4375, 0.9994334567454198],
      [2.5, 0.999593047982555],
      [3, 0.9999779095030014],
      [5, 0.9999999999984626],
    ];
    for (const [x, y] of known) {
      assert.ok(Math.abs(erfOf(x) - y) <= 1e-14 * y, `${x}: ${erfOf(x)}, not ${y}`);
      assert.equal(erfOf(-x), -erfOf(x));
    }
    assert.deepEqual([0, 7, -Infinity].map(erfOf), [0, 1, -1]);
    assert.ok(Number.isNaN(erfOf(Number.NaN)));
  });
});

describe("operators by hand: whole numbers and truth", () => {
  it("rounds halves to the even neighbour", () => {
    const x = of([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 2.25, -2.75]);
    assert.deepEqual(run("Round", {}, x).map(Math.abs), [2, 2, 0, 0, 2, 2, 2, 3]);
    assert.deepEqual(run("Ceil", {}, of([1.25, -1.25])), [2, -1]);
    assert.deepEqual(run("Floor", {}, of([1.25, -1.25])), [1, -2]);
    assert.deepEqual(run("Sign", {}, of([3, -0.5, 0])), [1, -1, 0]);
  });

  it("gives the remainder the sign of the divisor, or of the dividend with fmod", () => {
    const [a, b] = [
      [5, -5, 5, -5, 6],
      [3, 3, -3, -3, -3],
    ].map((v) => constant(int64([5], v)));
    assert.deepEqual(
      run("Mod", {}, a!, b!).map((v) => v + 0),
      [2, 1, -1, -2, 0],
    );
    assert.deepEqual(
      run("Mod", { fmod: 1 }, a!, b!).map((v) => v + 0),
      [2, -2, 2, -2, 0],
    );
  });

  it("joins truth values", () => {
    const [a, b] = [bool(0, 0, 1, 1), bool(0, 1, 0, 1)];
    assert.deepEqual(run("Or", {}, a, b), [0, 1, 1, 1]);
    assert.deepEqual(run("Xor", {}, a, b), [0, 1, 1, 0]);
    assert.deepEqual(run("Not", {}, b), [1, 0, 1, 0]);
  });

  it("finds what is not a number or not finite", () => {
    const odd = of([1, Number.NaN, Infinity, -Infinity]);
    assert.deepEqual(run("IsNaN", {}, odd), [0, 1, 0, 0]);
    assert.deepEqual(run("IsInf", {}, odd), [0, 0, 1, 1]);
    assert.deepEqual(run("IsInf", { detect_negative: 0 }, odd), [0, 0, 1, 0]);
    assert.deepEqual(run("IsInf", { detect_positive: 0 }, odd), [0, 0, 0, 1]);
  });

  it("raises to powers of another element type", () => {
    assert.deepEqual(run("Pow", {}, of([2, -3]), constant(int64([], [2]))), [4, 9]);
    assert.deepEqual(run("Pow", {}, constant(int64([2], [2, 3])), of([0.5, 2])), [1, 9]);
  });
});

describe("operators by hand: reductions", () => {
  const x = of([1, 2, 3, 4, 5, 6], [2, 3]);

  it("only do the rest of their work where no axis is reduced", () => {
    const none = { axes: [], noop_with_empty_axes: 1 };
    const y = op("ReduceSumSquare").node(none, [x]).outputs[0]!;
    assert.deepEqual(
      [y.shape, numbers(y)],
      [
        [2, 3],
        [1, 4, 9, 16, 25, 36],
      ],
    );
    assert.deepEqual(run("ReduceMax", none, x), [1, 2, 3, 4, 5, 6]);
    assert.deepEqual(slope("ReduceSumSquare", none, [3, -1]), [6, -2]);
    assert.deepEqual(slope("ReduceMax", none, [3, -1]), [1, 1]);
    assert.deepEqual(slope("ReduceProd", none, [3, 0]), [1, 1]);
  });

  it("give what an empty set means", () => {
    const empty = of([], [2, 0]);
    const attrs = { axes: [1], keepdims: 0 };
    const found = (type: string) => run(type, attrs, empty);
    assert.deepEqual(found("ReduceProd"), [1, 1]);
    assert.deepEqual(found("ReduceMax"), [-Infinity, -Infinity]);
    assert.deepEqual(found("ReduceMin"), [Infinity, Infinity]);
    assert.deepEqual(found("ReduceLogSum"), [-Infinity, -Infinity]);
    assert.deepEqual(found("ReduceLogSumExp"), [-Infinity, -Infinity]);
    assert.deepEqual(found("ReduceL2"), [0, 0]);
  });

  it("share the gradient evenly among equal extrema, three of them too", () => {
    assert.deepEqual(
      slope("ReduceMax", {}, [7, 7, 1, 7]).map((v) => v * 3),
      [1, 1, 0, 1],
    );
    const [a, b, c] = ["a", "b", "c"].map((name) => input(name, "float32", [1]));
    const y = op("Max").node({}, [a, b, c]).outputs[0]!;
    const gradients = backward([{ output: y, cotangent: of([6]) }], [a!, b!, c!]);
    const feeds = new Map([a, b, c].map((v, i) => [v!, float32([1], [[4, 1, 4][i]!])]));
    const each = [a, b, c].map((v) => evaluate([gradients.get(v!)!], feeds)[0]!.data[0]);
    assert.deepEqual(each, [3, 0, 3]);
  });

  it("give the whole gradient to the first of equal maxima in GlobalMaxPool", () => {
    assert.deepEqual(
      slope("GlobalMaxPool", {}, [1, 7, 7, -2, -2, -2], [1, 2, 3]),
      [0, 1, 0, 1, 0, 0],
    );
  });

  it("add up from either end, with or without the element itself", () => {
    const row = of([1, 2, 3]);
    assert.deepEqual(run("CumSum", { axis: 0 }, row), [1, 3, 6]);
    assert.deepEqual(run("CumSum", { axis: 0, exclusive: 1 }, row), [0, 1, 3]);
    assert.deepEqual(run("CumSum", { axis: -1, reverse: 1 }, row), [6, 5, 3]);
    assert.deepEqual(run("CumSum", { axis: 0, reverse: 1, exclusive: 1 }, row), [5, 3, 0]);
  });

  it("put the 1 of Hardmax at the first maximum", () => {
    assert.deepEqual(run("Hardmax", {}, of([3, 5, 5, 4, 1, 4], [2, 3])), [0, 1, 0, 1, 0, 0]);
  });
});

describe("operators by hand: normalisation", () => {
  it("gives LayerNormalization's mean and rate", () => {
    const x = of([1, 3, 2, 6], [2, 2]);
    const { outputs } = op("LayerNormalization").node({ epsilon: 0 }, [x, of([1, 10])]);
    // rows 1 3 and 2 6: means 2 and 4, deviations 1 and 2
    assert.deepEqual(numbers(outputs[0]!), [-1, 10, -1, 10]);
    assert.deepEqual(numbers(outputs[1]!), [2, 4]);
    assert.deepEqual(numbers(outputs[2]!), [1, 0.5]);
    assert.deepEqual(outputs[1]!.shape, [2, 1]);
  });

  it("has more channels behind than in front in an even window of LRN", () => {
    // size 2: the channel itself and the next; s = 1 + 1/2·(x² + next²)
    const y = run("LRN", { size: 2, alpha: 1, beta: 1, bias: 1 }, of([1, 2, 4], [1, 3, 1]));
    [1 / 3.5, 2 / 11, 4 / 9].forEach((v, i) => {
      assert.ok(Math.abs(y[i]! - v) < 1e-12, `${y[i]}, not ${v}`);
    });
  });

  it("makes 0 of a row of zeros, with gradient 0", () => {
    assert.deepEqual(run("LpNormalization", {}, of([0, 0])), [0, 0]);
    assert.deepEqual(slope("LpNormalization", {}, [0, 0]), [0, 0]);
    const flat = slope("MeanVarianceNormalization", { axes: [0] }, [5, 5]);
    assert.ok(flat.every(Number.isFinite));
  });
});

describe("channel rules of element-wise operators, reductions and normalisations", () => {
  const x = (...shape: number[]): Value => input("x", "float32", shape);
  const weights = (...shape: number[]) => of(new Array(size(shape)).fill(1), shape);
  const rule = (type: string, attrs: Attrs, inputs: readonly Value[], axis = 1) =>
    op(type).channels(op(type).node(attrs, inputs), 0, axis);
  const carried = { kind: "carry", axis: 1, outer: 1, inner: 1 };

  it("carry units with their parameters", () => {
    const image = x(2, 4, 3, 3);
    assert.deepEqual(rule("PRelu", {}, [image, weights(4, 1, 1)]), {
      ...carried,
      cuts: [{ input: 1, axis: 0 }],
    });
    assert.deepEqual(rule("PRelu", {}, [image, weights(1)]), { ...carried, cuts: [] });
    assert.deepEqual(rule("InstanceNormalization", {}, [image, weights(4), weights(4)]), {
      ...carried,
      cuts: [
        { input: 1, axis: 0 },
        { input: 2, axis: 0 },
      ],
    });
    for (const type of ["Gelu", "LeakyRelu", "HardSwish", "Floor", "GlobalMaxPool"])
      assert.deepEqual(rule(type, {}, [image]), { ...carried, cuts: [] }, type);
  });

  it("end where units are added up, and refuse where they are compared or counted", () => {
    const rows = x(2, 4);
    const axes = { axes: [1] };
    for (const type of ["ReduceL1", "ReduceL2", "ReduceSumSquare", "ReduceLogSum"])
      assert.deepEqual(rule(type, axes, [rows]), { kind: "consume", cuts: [] }, type);
    const because = (type: string, attrs: Attrs, ...inputs: Value[]) => {
      const found = rule(type, attrs, inputs);
      return found.kind === "refuse" ? found.because : found.kind;
    };
    assert.equal(because("ReduceMean", axes, rows), "ReduceMean averages over the units");
    assert.match(because("ReduceMax", axes, rows), /largest of the units/);
    assert.match(because("ReduceLogSumExp", axes, rows), /counts every unit/);
    assert.match(because("LogSoftmax", {}, rows), /normalises over the units/);
    assert.match(because("LayerNormalization", {}, rows, weights(4)), /normalises over the units/);
    assert.match(because("LRN", { size: 3 }, x(2, 4, 3, 3)), /neighbouring units/);
    // Whole groups may go: its units go together.
    assert.equal(
      because("GroupNormalization", { num_groups: 2 }, x(2, 4, 3), weights(4), weights(4)),
      "join",
    );
    assert.match(because("CumSum", { axis: 1 }, rows), /adds up the units/);
  });
});

describe("element-wise, reducing and normalising operators refuse what does not fit", () => {
  const x = (...shape: number[]): Value => input("x", "float32", shape);
  const whole = (...shape: number[]): Value => input("i", "int64", shape);
  const rows: readonly (readonly [string, Attrs, readonly (Value | undefined)[], RegExp])[] = [
    ["Elu", { alpha: Number.NaN }, [x(2)], /Elu: alpha must be a finite number/],
    ["Sin", {}, [whole(2)], /int64 is not a floating-point type/],
    ["Not", {}, [x(2)], /float32, needs bool/],
    ["Gelu", { approximate: "fast" }, [x(2)], /approximate fast is unknown/],
    ["PRelu", {}, [x(2), x(3, 2)], /slope \[3, 2\] does not broadcast to X \[2\]/],
    ["PRelu", {}, [x(2)], /needs two inputs/],
    ["Mod", {}, [x(2), x(2)], /need fmod = 1/],
    ["Max", {}, [], /input 0 is missing/],
    ["Max", {}, [x(2), whole(2)], /float32 and int64 do not mix/],
    ["Sum", {}, [x(2), undefined, x(2)], /input 1 is missing/],
    ["Pow", {}, [bool(1), x(1)], /bool is not a number/],
    ["ReduceMax", { axes: [2] }, [x(2, 3)], /axes 2 is outside rank 2/],
    ["CumSum", {}, [x(2)], /axis is missing/],
    ["LRN", {}, [x(1, 2, 3)], /size 0 is not positive/],
    ["LpNormalization", { p: 3 }, [x(2)], /p is 3, must be 1 or 2/],
    ["LpPool", { kernel_shape: [2], p: 0 }, [x(1, 1, 3)], /p is 0, must be at least 1/],
    ["GlobalMaxPool", {}, [x(2, 3)], /rank 2, needs at least 3/],
    ["InstanceNormalization", {}, [x(1, 2, 3), x(3), x(2)], /scale must have one value for each/],
    ["GroupNormalization", { num_groups: 3 }, [x(1, 4, 3), x(4), x(4)], /do not divide into 3/],
    ["LayerNormalization", {}, [x(2, 3), x(2)], /scale|broadcast/],
    ["LayerNormalization", { stash_type: 10 }, [x(2, 3), x(3)], /stash_type is not 1/],
    ["MeanVarianceNormalization", {}, [x(2, 3)], /axes 2 is outside rank 2/],
  ];
  for (const [type, attrs, inputs, message] of rows)
    it(`${type}: ${message.source}`, () => {
      assert.throws(
        () => op(type).node(attrs, inputs),
        (error) => error instanceof InvalidNode && message.test(error.message),
      );
    });
});
