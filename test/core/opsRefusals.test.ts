import assert from "node:assert/strict";
import { constant, input, type Value } from "#core/ir/graph.ts";
import { type Dim, float32, int64, size, tensor } from "#core/ir/tensor.ts";
import { operatorOfType, operators } from "#core/ops/index.ts";
import { type Attrs, InvalidNode, type Operator } from "#core/ops/operator.ts";

const x = (...shape: Dim[]): Value => input("x", "float32", shape);
const integers = (...shape: Dim[]): Value => input("i", "int64", shape);
const weights = (...shape: number[]): Value =>
  constant(float32(shape, new Float32Array(size(shape)).fill(1)));
const list = (...numbers: number[]): Value => constant(int64([numbers.length], numbers));
const op = (type: string): Operator => operatorOfType.get(type)!;

type Row = readonly [
  type: string,
  attrs: Attrs,
  inputs: readonly (Value | undefined)[],
  message: RegExp,
];

/** Nodes as a broken or hostile file may have them. */
const invalid: readonly Row[] = [
  ["Relu", {}, [], /input 0 is missing/],
  ["Add", {}, [x(2), integers(2)], /float32 and int64 do not mix/],
  ["Add", {}, [x(2), x(3)], /do not broadcast/],
  ["And", {}, [x(2), x(2)], /float32, needs bool/],
  ["Conv", {}, [x(1, 3, 4, 4), weights(2, 3, 3)], /W has rank 3/],
  ["Conv", {}, [x(1, 3), weights(2, 3)], /rank 2, needs at least 3/],
  ["Conv", {}, [x(1, 4, 4, 4), weights(2, 3, 3, 3)], /4 channels, W takes 3/],
  ["Conv", {}, [x(1, "C", 4, 4), weights(2, 3, 3, 3)], /channel axis is symbolic \(C\)/],
  ["Conv", {}, [x(1, 3, "H", 4), weights(2, 3, 3, 3)], /axis 2 is symbolic \(H\): bind it/],
  ["Conv", {}, [x(1, 3, 2, 4), weights(2, 3, 3, 3)], /kernel reaches 3, the padded axis 2 is 2/],
  ["Conv", { group: 0 }, [x(1, 3, 4, 4), weights(2, 3, 3, 3)], /group 0 is not positive/],
  ["Conv", { group: 2 }, [x(1, 4, 4), weights(3, 2, 3)], /3 feature maps do not divide/],
  [
    "Conv",
    { strides: [0, 1] },
    [x(1, 3, 4, 4), weights(2, 3, 3, 3)],
    /strides has an entry below 1/,
  ],
  [
    "Conv",
    { strides: [1] },
    [x(1, 3, 4, 4), weights(2, 3, 3, 3)],
    /strides has 1 entries, needs 2/,
  ],
  ["Conv", { strides: "ab" }, [x(1, 3, 4, 4), weights(2, 3, 3, 3)], /must be a list of integers/],
  ["Conv", { pads: [-1, 0] }, [x(1, 3, 4), weights(2, 3, 3)], /pads has an entry below 0/],
  ["Conv", { pads: [0, 2 ** 60] }, [x(1, 3, 4), weights(2, 3, 3)], /pads must be an integer/],
  [
    "Conv",
    { auto_pad: "SIDEWAYS" },
    [x(1, 3, 4), weights(2, 3, 3)],
    /auto_pad SIDEWAYS is unknown/,
  ],
  ["Conv", { kernel_shape: [2] }, [x(1, 3, 4), weights(2, 3, 3)], /not the shape of the weights/],
  ["Conv", {}, [x(1, 3, 4), weights(2, 3, 0)], /entry below 1/],
  ["Conv", {}, [x(1, 3, 4), weights(2, 3, 3), weights(3)], /B must have 2 values/],
  ["ConvTranspose", { output_padding: [1] }, [x(1, 3, 4), weights(3, 2, 3)], /below the stride/],
  ["ConvTranspose", { pads: [4, 4] }, [x(1, 3, 4), weights(3, 2, 3)], /gets length -2/],
  ["MaxPool", {}, [x(1, 3, 4)], /kernel_shape must be a list/],
  ["MaxPool", { kernel_shape: [2], pads: [2, 0] }, [x(1, 3, 4)], /padding must be smaller/],
  [
    "MaxPool",
    { kernel_shape: [2], pads: [1, 1], dilations: [2] },
    [x(1, 3, 1)],
    /dilation is longer than the axis/,
  ],
  ["AveragePool", { kernel_shape: [2, 2] }, [x(1, 3)], /rank 2/],
  ["AveragePool", { kernel_shape: [2.5] }, [x(1, 3, 4)], /must be an integer/],
  ["GlobalAveragePool", {}, [x(3)], /rank 1/],
  ["Gemm", {}, [x(2, 3), weights(4, 5)], /inner lengths: 3 and 4 differ/],
  ["Gemm", {}, [x(2, 3, 1), weights(3, 5)], /must be matrices/],
  ["Gemm", {}, [x(2, 3), weights(3, 5), weights(2, 2, 5)], /C \[2, 2, 5\] does not broadcast/],
  ["Gemm", { alpha: Number.NaN }, [x(2, 3), weights(3, 5)], /alpha must be a finite number/],
  ["MatMul", {}, [x(2, 3), weights(4, 5)], /inner lengths: 3 and 4 differ/],
  ["MatMul", {}, [x(), weights(4, 5)], /rank 0/],
  ["MatMul", {}, [x(2, 2, 3), weights(3, 3, 5)], /do not broadcast/],
  [
    "BatchNormalization",
    {},
    [x(2, 3), ...[3, 3, 3, 4].map((n) => weights(n))],
    /var must have one value/,
  ],
  [
    "BatchNormalization",
    { training_mode: 1 },
    [x(2, 3), ...[3, 3, 3, 3].map((n) => weights(n))],
    /training_mode is on/,
  ],
  [
    "Dropout",
    {},
    [x(2), undefined, constant(tensor("bool", [], Uint8Array.of(1)))],
    /training_mode is on/,
  ],
  ["Flatten", { axis: 4 }, [x(2, 3)], /axis 4 is outside rank 2/],
  ["Reshape", {}, [x(2, 3), integers(2)], /shape must be a constant/],
  ["Reshape", {}, [x(2, 3), list(-1, -1)], /more than one -1/],
  ["Reshape", {}, [x(2, 3), list(4, -1)], /do not divide/],
  ["Reshape", {}, [x(2, 3), list(5)], /number of elements differs/],
  ["Reshape", {}, [x(2, 3), list(0, 0, 0)], /no axis 2 to copy/],
  ["Reshape", {}, [x(2, 3), list(-2, 3)], /-2 is not a length/],
  ["Reshape", { allowzero: 1 }, [x(0, 3), list(0, -1)], /cannot be inferred beside a 0/],
  ["Reshape", {}, [x("N", 3), list(1, 3)], /number of elements differs/],
  ["Transpose", { perm: [0, 0] }, [x(2, 3)], /repeats an axis/],
  ["Transpose", { perm: [0] }, [x(2, 3)], /perm has 1 axes/],
  ["Concat", {}, [x(2, 3)], /axis is missing/],
  ["Concat", { axis: 2 }, [x(2, 3)], /axis 2 is outside rank 2/],
  ["Concat", { axis: 0 }, [x(2, 3), x(2, 4)], /axis 1: 3 and 4 differ/],
  ["Concat", { axis: 0 }, [], /input 0 is missing/],
  ["Softmax", { axis: -3 }, [x(2, 3)], /outside rank 2/],
  ["Softmax", {}, [integers(2)], /int64 is not a floating-point type/],
  ["Clip", {}, [x(2), weights(2)], /a bound is not a scalar/],
  ["Cast", { to: "float8" }, [x(2)], /float8 is not an element type/],
  ["ReduceSum", { axes: [1, -1] }, [x(2, 3)], /repeats an axis/],
  ["Expand", { shape: [-1] }, [x(2)], /entry below 0/],
  ["Slice", { starts: [0], ends: [1], steps: [0] }, [x(2)], /a step is 0/],
  ["Slice", { starts: [0], ends: [1, 2] }, [x(2)], /ends has 2 entries, needs 1/],
  ["Slice", { starts: [1], ends: [2] }, [x("N")], /symbolic \(N\)/],
  ["Pad", { pads: [-2, -1] }, [x(2)], /negative length -1/],
  ["Pad", { pads: [1, 1], mode: "mirror" }, [x(2)], /mode mirror is unknown/],
  ["Resize", { scales: [0.5] }, [x(2)], /must be an integer/],
  [
    "ScatterElements",
    { reduction: "mean" },
    [x(2), integers(1), x(1)],
    /reduction mean is unknown/,
  ],
  ["ScatterElements", {}, [x(2, 2), integers(1, 3), x(1, 3)], /axis 1 of indices is longer/],
  ["GatherElements", {}, [x(2), x(1)], /indices is float32, needs int64/],
  ["Where", {}, [x(2), x(2), x(2)], /condition is float32, needs bool/],
];

describe("operators refuse what does not fit", () => {
  for (const [type, attrs, inputs, message] of invalid)
    it(`${type}: ${message.source}`, () => {
      assert.throws(
        () => op(type).node(attrs, inputs),
        (error) => error instanceof InvalidNode && message.test(error.message),
      );
    });

  it("never anything but InvalidNode, whatever the attributes are", () => {
    const odd = [Number.NaN, -1, 0, 1e300, "x", [], [0], [-1, -1], [1, 2, 3, 4, 5], [1.5], ["x"]];
    for (const operator of operators) {
      const names = new Set(operator.examples.flatMap((e) => Object.keys(e.attrs)));
      for (const example of operator.examples)
        for (const name of names)
          for (const value of odd) {
            const inputs = example.inputs.map((t) =>
              t === undefined ? t : "dtype" in t ? constant(t) : input("x", "float32", t),
            );
            try {
              const { outputs } = operator.node({ ...example.attrs, [name]: value }, inputs);
              for (const { shape } of outputs)
                assert.ok(
                  shape.every((d) => typeof d === "string" || (Number.isSafeInteger(d) && d >= 0)),
                );
            } catch (error) {
              assert.ok(
                error instanceof InvalidNode,
                `${operator.type} ${name}=${value}: ${error}`,
              );
            }
          }
    }
  });
});

type Kept = readonly [type: string, attrs: Attrs, inputs: readonly Value[], shape: readonly Dim[]];

describe("operators keep a symbolic batch", () => {
  const image = x("N", 4, 6, 6);
  const vectors = x("N", 8);
  const four = weights(4);
  const rows: readonly Kept[] = [
    ["Conv", {}, [image, weights(2, 4, 3, 3)], ["N", 2, 4, 4]],
    ["Gemm", { transB: 1 }, [vectors, weights(3, 8), weights(3)], ["N", 3]],
    ["MatMul", {}, [vectors, weights(8, 3)], ["N", 3]],
    ...["Add", "Sub", "Mul", "Div"].map(
      (type): Kept => [type, {}, [vectors, weights(8)], ["N", 8]],
    ),
    ["Add", {}, [vectors, x("N", 1)], ["N", 8]],
    ...["Relu", "Sigmoid", "Tanh", "Identity", "Dropout", "Clip", "Softmax"].map(
      (type): Kept => [type, {}, [vectors], ["N", 8]],
    ),
    ["MaxPool", { kernel_shape: [2, 2], strides: [2, 2] }, [image], ["N", 4, 3, 3]],
    ["AveragePool", { kernel_shape: [2, 2] }, [image], ["N", 4, 5, 5]],
    ["GlobalAveragePool", {}, [x("N", 4, "H", "W")], ["N", 4, 1, 1]],
    ["BatchNormalization", {}, [image, four, four, four, four], ["N", 4, 6, 6]],
    ["Flatten", {}, [image], ["N", 144]],
    ["Flatten", {}, [x("N", 4, "W", "H")], ["N", "H*W*4"]],
    ["Reshape", {}, [image, list(-1, 144)], ["N", 144]],
    ["Transpose", { perm: [0, 2, 3, 1] }, [image], ["N", 6, 6, 4]],
    ["Concat", { axis: 1 }, [vectors, x("N", 3)], ["N", 11]],
    ["ReduceSum", { axes: [1], keepdims: 0 }, [vectors], ["N"]],
    ["Slice", { axes: [1], starts: [2], ends: [5] }, [vectors], ["N", 3]],
    ["Pad", { pads: [0, 1, 0, 1] }, [vectors], ["N", 10]],
    ["Resize", { scales: [1, 1, 2, 2] }, [image], ["N", 4, 12, 12]],
  ];
  for (const [type, attrs, inputs, shape] of rows)
    it(`${type} to [${shape.join(", ")}]`, () => {
      assert.deepEqual(op(type).node(attrs, inputs).outputs[0]!.shape, shape);
    });
});

describe("channel rules", () => {
  const rule = (type: string, attrs: Attrs, inputs: readonly Value[], input = 0, axis = 1) =>
    op(type).channels(op(type).node(attrs, inputs), input, axis);
  const refusal = (...args: Parameters<typeof rule>): string => {
    const found = rule(...args);
    assert.equal(found.kind, "refuse");
    return found.kind === "refuse" ? found.because : "";
  };

  it("end at the input channels of Conv, and start again at its filters", () => {
    const inputs = [x("N", 4, 6, 6), weights(2, 4, 3, 3), weights(2)];
    assert.deepEqual(rule("Conv", {}, inputs), { kind: "consume", cuts: [{ input: 1, axis: 1 }] });
    const filters = rule("Conv", {}, inputs, 1, 0);
    assert.deepEqual(filters, {
      kind: "carry",
      axis: 1,
      outer: 1,
      inner: 1,
      cuts: [{ input: 2, axis: 0 }],
    });
  });

  it("take whole groups of a convolution of many, and the same places of few", () => {
    const labels = (...args: Parameters<typeof rule>) => {
      const found = rule(...args);
      assert.equal(found.kind, "join");
      return found.kind === "join"
        ? found.ports.map((p) => [
            "input" in p ? `in ${p.input}.${p.axis}` : `out ${p.output}.${p.axis}`,
            ...[0, 1, 2, 3].map(p.label),
          ])
        : [];
    };
    const many = [x("N", 8, 6, 6), weights(4, 2, 3, 3)];
    assert.deepEqual(labels("Conv", { group: 4 }, many), [
      ["in 0.1", 0, 0, 1, 1],
      ["out 0.1", 0, 1, 2, 3],
      ["in 1.0", 0, 1, 2, 3],
    ]);
    const few = [x("N", 6, 6, 6), weights(4, 3, 3, 3)];
    assert.deepEqual(labels("Conv", { group: 2 }, few), [
      ["in 0.1", 0, 1, 2, 0],
      ["in 1.1", 0, 1, 2, 3],
    ]);
    assert.deepEqual(labels("Conv", { group: 2 }, few, 1, 0), [
      ["out 0.1", 0, 1, 0, 1],
      ["in 1.0", 0, 1, 0, 1],
    ]);
    assert.match(refusal("Conv", { group: 4 }, many, 1, 1), /within the groups/);
  });

  it("go through Flatten and Reshape with the positions inside each unit", () => {
    const image = x("N", 64, 12, 12);
    const merged = { kind: "carry", axis: 1, outer: 1, inner: 144, cuts: [] };
    assert.deepEqual(rule("Flatten", {}, [image]), merged);
    assert.deepEqual(rule("Reshape", {}, [image, list(0, -1)]), merged);
    assert.deepEqual(rule("Reshape", {}, [image, list(-1, 9216)]), {
      ...merged,
      target: { input: 1 },
    });
    assert.deepEqual(rule("Flatten", {}, [x("N", 12, 12, 64)], 0, 3), {
      ...merged,
      outer: 144,
      inner: 1,
    });
    assert.match(refusal("Reshape", {}, [image, list(0, 2, 32, -1)]), /splits the axis/);
    assert.deepEqual(rule("Reshape", {}, [image, list(-1, 12, 12)]), {
      kind: "carry",
      axis: 0,
      outer: 0,
      inner: 1,
      cuts: [],
    });
  });

  it("end at the columns of the left operand", () => {
    const [a, b] = [x("N", 8), weights(3, 8)];
    assert.deepEqual(rule("Gemm", { transB: 1 }, [a, b]), {
      kind: "consume",
      cuts: [{ input: 1, axis: 1 }],
    });
    assert.deepEqual(rule("MatMul", {}, [a, weights(8, 3)]), {
      kind: "consume",
      cuts: [{ input: 1, axis: 0 }],
    });
    assert.deepEqual(rule("Gemm", {}, [a, x(8, 3)], 1, 0), {
      kind: "consume",
      cuts: [{ input: 0, axis: 1 }],
    });
    assert.match(refusal("Gemm", {}, [a, weights(8, 3), x(3)], 2, 0), /operand C of Gemm/);
  });

  it("take the parameters of BatchNormalization with them", () => {
    const p = weights(4);
    const inputs = [x("N", 4, 6, 6), p, p, p, p];
    const cuts = [1, 2, 3, 4].map((input) => ({ input, axis: 0 }));
    assert.deepEqual(rule("BatchNormalization", {}, inputs), {
      kind: "carry",
      axis: 1,
      outer: 1,
      inner: 1,
      cuts,
    });
  });

  it("stop where units are compared or picked by their number", () => {
    const vectors = x("N", 8);
    assert.equal(refusal("Softmax", {}, [vectors]), "Softmax normalises over the units");
    assert.match(
      refusal("Slice", { starts: [0], ends: [8], axes: [1], steps: [2] }, [vectors]),
      /every so many/,
    );
    assert.match(refusal("Add", {}, [x("N", 1), weights(8)]), /repeats a single unit/);
  });

  it("take the other operand of a sum with them, and stand behind each other in Concat", () => {
    const vectors = x("N", 8);
    assert.deepEqual(rule("Add", {}, [vectors, x("N", 8)]), {
      kind: "carry",
      axis: 1,
      outer: 1,
      inner: 1,
      cuts: [{ input: 1, axis: 1 }],
    });
    const joined = rule("Concat", { axis: 1 }, [vectors, x("N", 3)], 1);
    assert.ok(joined.kind === "join");
    assert.deepEqual(
      joined.ports.map((p) => p.label(2)),
      [2, 10, 2],
    );
  });
});
