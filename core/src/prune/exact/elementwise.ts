import { typeOf } from "../../explain/layers.ts";
import { constantOf, isConstant, type Node, type Value } from "../../ir/graph.ts";
import { size, type Tensor } from "../../ir/tensor.ts";
import type { Structure } from "../coupling/structure.ts";
import {
  clusters,
  type Lanes,
  lanesBy,
  NOT_NEGATIVE,
  NOT_POSITIVE,
  negated,
  product,
  signsOf,
} from "./lanes.ts";
import { perIndex } from "./view.ts";

/** Operators that work on each element by itself, with broadcasting. */
export const ELEMENTWISE: ReadonlySet<string> = new Set(
  `Abs Add Cast Ceil Celu Clip Cos Div Dropout Elu Erf Exp Floor Gelu HardSigmoid HardSwish Identity
  LeakyRelu Log Max Min Mish Mul Neg PRelu Pow Reciprocal Relu Round Selu Sigmoid Sign Sin Softplus
  Softsign Sqrt Sub Sum Tanh ThresholdedRelu`.split(/\s+/),
);

/** One operand, by the indices of the axis that is followed. */
interface Operand {
  /** What tells the indices apart. */
  readonly keys: Int32Array;
  readonly constant: Float64Array;
  readonly signs: Uint8Array;
}

/** Undefined where no operand's lanes stand along one axis of the result. */
export function elementwiseLanes(
  structure: Structure,
  node: Node,
  lanesOf: (value: Value) => Lanes | undefined,
): Lanes | undefined {
  const [y] = node.outputs;
  const rank = y.shape.length;
  /** Counted from the end, where operands are aligned. */
  const fromEnd = node.inputs.flatMap((v) => {
    const lanes = v === undefined || isConstant(v) ? undefined : lanesOf(v);
    const back = lanes && v!.shape.length - lanes.axis;
    return back !== undefined && Number(v!.shape.at(-back)) > 1 ? [back] : [];
  });
  const [back] = fromEnd;
  const length = Number(y.shape.at(-(back ?? 1)));
  if (back === undefined || !Number.isInteger(length)) return undefined;
  const operands = node.inputs.flatMap((v) =>
    v === undefined ? [] : [operandOf(structure, v, back, length, lanesOf)],
  );
  const constant = constantsOf(node, operands, length);
  const signs = new Uint8Array(length);
  const keys: string[] = [];
  for (let i = 0; i < length; i++) {
    keys.push(operands.map((o) => o.keys[i]).join(","));
    signs[i] = signsBy(node, operands, i);
  }
  return lanesBy(rank - back, keys, constant, signs);
}

function operandOf(
  structure: Structure,
  value: Value,
  back: number,
  length: number,
  lanesOf: (value: Value) => Lanes | undefined,
): Operand {
  const numbers = perIndex(structure, value, back, length);
  if (numbers !== undefined)
    return { keys: clusters(numbers), constant: numbers, signs: Uint8Array.from(numbers, signsOf) };
  const unknown = new Float64Array(length).fill(Number.NaN);
  const lanes = isConstant(value) ? undefined : lanesOf(value);
  const own = Number(value.shape.at(-back) ?? 1);
  if (value.shape.length < back || own === 1)
    // The same for every index.
    return { keys: new Int32Array(length), constant: unknown, signs: new Uint8Array(length) };
  if (lanes === undefined || value.shape.length - lanes.axis !== back)
    return {
      keys: Int32Array.from({ length }, (_, i) => i),
      constant: unknown,
      signs: new Uint8Array(length),
    };
  return { keys: lanes.same, constant: lanes.constant, signs: lanes.signs };
}

/** Evaluated where every operand is constant; a factor 0 makes the product 0. */
function constantsOf(node: Node, operands: readonly Operand[], length: number): Float64Array {
  const type = typeOf(node);
  const result = new Float64Array(length).fill(Number.NaN);
  for (let i = 0; i < length; i++) {
    const values = operands.map((o) => o.constant[i]);
    if (type === "Mul" && values.includes(0)) result[i] = 0;
    else if (!values.some(Number.isNaN)) result[i] = evaluated(node, values);
  }
  return result;
}

function evaluated({ operator, inputs, outputs, attrs }: Node, values: readonly number[]): number {
  if (typeof operator === "string") return Number.NaN;
  let next = 0;
  const tensors = inputs.map((v): Tensor | undefined => {
    if (v === undefined) return undefined;
    return { dtype: v.dtype, shape: [1], data: Float64Array.of(values[next++]) };
  });
  const types = outputs.map(({ dtype }) => ({ dtype, shape: [1] }));
  const [{ data }] = operator.evaluate(tensors, attrs, types);
  return Number.isFinite(data[0]) ? data[0] : Number.NaN;
}

const POSITIVE: ReadonlySet<string> = new Set(
  "Abs Exp HardSigmoid Sigmoid Softplus Sqrt".split(" "),
);
/** f(0) = 0 and rising. */
const RISING: ReadonlySet<string> = new Set(
  "Cast Ceil Dropout Erf Floor Identity Round Selu Sign Softsign Tanh".split(" "),
);
/** The same, where the slope is none below zero. */
const SLOPED: ReadonlySet<string> = new Set("Celu Elu LeakyRelu".split(" "));

function signsBy(node: Node, operands: readonly Operand[], i: number): number {
  const type = typeOf(node);
  const signs = operands.map((o) => o.signs[i]);
  const [first] = signs;
  if (type === "Relu") return NOT_NEGATIVE | (first & NOT_POSITIVE);
  if (POSITIVE.has(type)) return NOT_NEGATIVE;
  if (RISING.has(type)) return first;
  if (SLOPED.has(type)) {
    const { alpha = 1 } = node.attrs as { alpha?: number };
    return alpha >= 0 ? first : first & NOT_NEGATIVE;
  }
  switch (type) {
    case "Add":
    case "Sum":
      return signs.reduce((a, b) => a & b);
    case "Sub":
      return first & negated(signs[1]);
    case "Mul":
    case "Div":
      return signs.reduce(product);
    case "Neg":
      return negated(first);
    case "Max":
      return (
        (signs.reduce((a, b) => a | b) & NOT_NEGATIVE) |
        (signs.reduce((a, b) => a & b) & NOT_POSITIVE)
      );
    case "Min":
      return (
        (signs.reduce((a, b) => a | b) & NOT_POSITIVE) |
        (signs.reduce((a, b) => a & b) & NOT_NEGATIVE)
      );
    case "Clip":
      return clipped(node, first);
    default:
      return 0;
  }
}

function clipped({ inputs }: Node, signs: number): number {
  const bound = (i: number, otherwise: number) => {
    const tensor = constantOf(inputs[i]);
    if (inputs[i] === undefined) return otherwise;
    return tensor !== undefined && size(tensor.shape) === 1 ? tensor.data[0] : Number.NaN;
  };
  const [low, high] = [bound(1, Number.NEGATIVE_INFINITY), bound(2, Number.POSITIVE_INFINITY)];
  const notNegative = high >= 0 && (low >= 0 || (signs & NOT_NEGATIVE) !== 0);
  const notPositive = low <= 0 && (high <= 0 || (signs & NOT_POSITIVE) !== 0);
  return (notNegative ? NOT_NEGATIVE : 0) | (notPositive ? NOT_POSITIVE : 0);
}
