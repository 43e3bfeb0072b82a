import * as tf from "@tensorflow/tfjs-core";
import { isFloat, sameShape } from "#core/ir/tensor.ts";
import { channelsLast, type Held } from "../held.ts";
import { type Call, type Kernel, type Kernels, last, plain } from "../kernel.ts";
import { repeated } from "./axes.ts";

type Compute = (tensors: readonly tf.Tensor[], call: Call) => tf.Tensor;
type Unary = (x: tf.Tensor) => tf.Tensor;
type Binary = (a: tf.Tensor, b: tf.Tensor) => tf.Tensor;

/**
 * A kernel that maps elements, with broadcasting: it works in either layout, so tensors that a
 * convolution left with their channels last stay so.
 */
export const elementwise = (needs: readonly string[], compute: Compute): Kernel => ({
  needs,
  run(call) {
    const given = call.inputs.filter((v) => v !== undefined);
    const { shape } = call.outputs[0]!;
    return given.some((v) => v.onlyLast && sameShape(v.shape, shape))
      ? last(
          compute(
            given.map((v) => lastIn(v, shape.length)),
            call,
          ),
        )
      : plain(
          compute(
            given.map((v) => v.plain()),
            call,
          ),
        );
  },
});

/** Channels last in a tensor of this rank, to which it broadcasts. */
function lastIn(v: Held, rank: number): tf.Tensor {
  if (v.shape.length === rank) return v.last();
  if (v.shape.length === 0) return v.plain();
  return v.derived(`last of ${rank}`, () => {
    const ones = new Array<number>(rank - v.shape.length).fill(1);
    return channelsLast(tf.reshape(v.plain(), [...ones, ...v.shape]));
  });
}

const one = (kernel: string, f: Unary): Kernel => elementwise([kernel], ([x]) => f(x!));

const two = (kernel: string, f: Binary): Kernel => elementwise([kernel], ([a, b]) => f(a!, b!));

const many = (kernel: string, f: Binary): Kernel =>
  elementwise([kernel], ([first, ...others]) => others.reduce(f, tf.clone(first!)));

const comparison = (kernel: string, f: Binary): Kernel => ({
  ...two(kernel, f),
  dtypes: ["float32", "bool"],
  fits: ({ inputs }) => inputs.every((v) => v?.dtype === "float32"),
});

const logical = (kernel: string, f: Binary): Kernel => ({ ...two(kernel, f), dtypes: ["bool"] });

/** Only the first output, where an operator has several. */
const first: Kernel["fits"] = (_node, used) => used.every((u, i) => i === 0 || !u);

const copies: Kernel = {
  ...elementwise(["Identity"], ([x]) => tf.clone(x!)),
  dtypes: ["float32", "bool"],
  fits: first,
};

export const elementwiseKernels: Kernels = {
  Abs: one("Abs", tf.abs),
  Acos: one("Acos", tf.acos),
  Asin: one("Asin", tf.asin),
  Atan: one("Atan", tf.atan),
  Asinh: one("Asinh", tf.asinh),
  Ceil: one("Ceil", tf.ceil),
  Cos: one("Cos", tf.cos),
  Cosh: one("Cosh", tf.cosh),
  Erf: one("Erf", tf.erf),
  Exp: one("Exp", tf.exp),
  Floor: one("Floor", tf.floor),
  Log: one("Log", tf.log),
  Neg: one("Neg", tf.neg),
  Reciprocal: one("Reciprocal", tf.reciprocal),
  Relu: one("Relu", tf.relu),
  Round: one("Round", tf.round),
  Sigmoid: one("Sigmoid", tf.sigmoid),
  Sign: one("Sign", tf.sign),
  Sin: one("Sin", tf.sin),
  Sinh: one("Sinh", tf.sinh),
  Softplus: one("Softplus", tf.softplus),
  Sqrt: one("Sqrt", tf.sqrt),
  Tan: one("Tan", tf.tan),
  Tanh: one("Tanh", tf.tanh),
  Identity: copies,
  Dropout: copies,

  Add: two("Add", tf.add),
  Sub: two("Sub", tf.sub),
  Mul: two("Multiply", tf.mul),
  Div: two("RealDiv", tf.div),
  Pow: two("Pow", tf.pow),
  Sum: many("Add", tf.add),
  Max: many("Maximum", tf.maximum),
  Min: many("Minimum", tf.minimum),
  Mean: elementwise(["Add", "RealDiv"], (all) =>
    tf.div(
      all.reduce((a, b) => tf.add(a, b)),
      all.length,
    ),
  ),
  // WebAssembly's own Prelu does not broadcast.
  PRelu: elementwise(["Relu", "Neg", "Multiply", "Sub"], ([x, slope]) =>
    tf.sub(tf.relu(x!), tf.mul(slope!, tf.relu(tf.neg(x!)))),
  ),
  Equal: comparison("Equal", tf.equal),
  Greater: comparison("Greater", tf.greater),
  GreaterOrEqual: comparison("GreaterEqual", tf.greaterEqual),
  Less: comparison("Less", tf.less),
  LessOrEqual: comparison("LessEqual", tf.lessEqual),
  And: logical("LogicalAnd", tf.logicalAnd),
  Or: logical("LogicalOr", tf.logicalOr),
  Xor: logical("LogicalXor", tf.logicalXor),
  Not: { ...one("LogicalNot", tf.logicalNot), dtypes: ["bool"] },
  Where: {
    ...elementwise(["Select", "Tile", "Multiply"], ([c, a, b]) => {
      const shape = [c!, a!, b!].map((t) => t.shape).reduce(broadcastShape);
      return tf.where(c!, widened(a!, shape), widened(b!, shape));
    }),
    dtypes: ["float32", "bool"],
  },
  Cast: {
    ...elementwise(["Cast", "NotEqual"], ([x], { outputs: [y] }) =>
      y!.dtype === "bool" && x!.dtype !== "bool" ? tf.notEqual(x!, 0) : tf.cast(x!, kindOf(y!)),
    ),
    dtypes: ["float32", "bool"],
  },
  /** The bounds are optional inputs. */
  Clip: {
    needs: ["Minimum", "Maximum"],
    run(call) {
      const [x, min, max] = call.inputs;
      const bounded = elementwise([], ([v]) => {
        const low = min === undefined ? tf.clone(v!) : tf.maximum(v!, scalar(min));
        return max === undefined ? low : tf.minimum(low, scalar(max));
      });
      return bounded.run({ ...call, inputs: [x] });
    },
  },
};

const broadcastShape = (a: number[], b: number[]): number[] =>
  tf.broadcast_util.assertAndGetBroadcastShape(a, b);

/** To the shape it broadcasts to, faster than TensorFlow.js's own way. */
function widened(x: tf.Tensor, shape: readonly number[]): tf.Tensor {
  if (sameShape(x.shape, shape)) return x;
  const ones = new Array<number>(shape.length - x.rank).fill(1);
  return repeated(x, [...ones, ...x.shape], shape);
}

const scalar = (v: Held): tf.Tensor => tf.reshape(v.plain(), []);

const kindOf = ({ dtype }: Pick<Held, "dtype">): "float32" | "bool" =>
  isFloat(dtype) ? "float32" : "bool";
