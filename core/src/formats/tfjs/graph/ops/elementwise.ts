import type { Value } from "../../../../ir/graph.ts";
import { literal } from "../../../../ops/literal.ts";
import type { Attrs } from "../../../../ops/operator.ts";
import type { Call, Converter } from "../call.ts";

type One = (call: Call, x: Value) => Value;

/** Each element by itself: the order does not matter, nor whether it is cut into blocks. */
export const one =
  (of: One): Converter =>
  (call) => {
    const held = call.elements(0);
    return { ...held, value: of(call, held.value) };
  };

const same = (type: string, attrs: Attrs = {}): Converter =>
  one((call, x) => call.apply(type, attrs, x));

const clip = (call: Call, x: Value, min: Value, max: Value): Value =>
  call.apply("Clip", {}, x, min, max);

export const relu6: One = (call, x) => clip(call, x, literal(x, 0), literal(x, 6));

/** Attribute `alpha` of LeakyRelu, 0.2 where TensorFlow leaves it out. */
const leakyRelu: One = (call, x) =>
  call.apply("LeakyRelu", { alpha: call.attributes.float("alpha", 0.2) }, x);

/** TensorFlow's number of an element type, in ONNX. */
const castTo = (call: Call): number => {
  const codes: Readonly<Record<string, number>> = { float32: 1, int32: 6, bool: 9 };
  return codes[call.attributes.dtype("DstT") ?? ""] ?? 1;
};

const square: One = (call, x) => call.apply("Mul", {}, x, x);

const notFinite = (call: Call, x: Value): Value =>
  call.apply("Or", {}, call.apply("IsNaN", {}, x), call.apply("IsInf", {}, x));

export const elementwise: Readonly<Record<string, Converter>> = {
  Abs: same("Abs"),
  Acos: same("Acos"),
  Acosh: same("Acosh"),
  Asin: same("Asin"),
  Asinh: same("Asinh"),
  Atan: same("Atan"),
  Atanh: same("Atanh"),
  Cast: one((call, x) => call.apply("Cast", { to: castTo(call) }, x)),
  Ceil: same("Ceil"),
  ClipByValue: one((call, x) => clip(call, x, call.plain(1), call.plain(2))),
  Cos: same("Cos"),
  Cosh: same("Cosh"),
  Elu: same("Elu", { alpha: 1 }),
  Erf: same("Erf"),
  Exp: same("Exp"),
  Expm1: one((call, x) => call.apply("Sub", {}, call.apply("Exp", {}, x), literal(x, 1))),
  Floor: same("Floor"),
  Inv: same("Reciprocal"),
  IsFinite: one((call, x) => call.apply("Not", {}, notFinite(call, x))),
  IsInf: same("IsInf"),
  IsNan: same("IsNaN"),
  LeakyRelu: one(leakyRelu),
  Log: same("Log"),
  Log1p: one((call, x) => call.apply("Log", {}, call.apply("Add", {}, x, literal(x, 1)))),
  LogicalNot: same("Not"),
  Neg: same("Neg"),
  OnesLike: one((call, x) => call.apply("Add", {}, zeros(call, x), literal(x, 1))),
  Reciprocal: same("Reciprocal"),
  Relu: same("Relu"),
  Relu6: one(relu6),
  Rint: same("Round"),
  Round: same("Round"),
  Rsqrt: one((call, x) => call.apply("Reciprocal", {}, call.apply("Sqrt", {}, x))),
  Selu: same("Selu"),
  Sigmoid: same("Sigmoid"),
  Sign: same("Sign"),
  Sin: same("Sin"),
  Sinh: same("Sinh"),
  Softplus: same("Softplus"),
  Softsign: same("Softsign"),
  Sqrt: same("Sqrt"),
  Square: one(square),
  Tan: same("Tan"),
  Tanh: same("Tanh"),
  ZerosLike: one(zeros),
};

function zeros(call: Call, x: Value): Value {
  return call.apply("Sub", {}, x, x);
}
