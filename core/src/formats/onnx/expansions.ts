import { constant, type Value } from "../../ir/graph.ts";
import { float32, known, size } from "../../ir/tensor.ts";
import { codeOfDType } from "../../ops/cast.ts";
import { literal } from "../../ops/literal.ts";
import { InvalidNode, need } from "../../ops/operator.ts";
import { rmsNormalization, swish } from "./laterOperators.ts";
import type { Call, Upgrade } from "./upgrade.ts";

/** Operators of ONNX that are written with others here. */
export const expansions: Readonly<Record<string, Upgrade>> = {
  ConvInteger: convInteger,
  DynamicQuantizeLinear: dynamicQuantizeLinear,
  MatMulInteger: matMulInteger,
  QLinearConv: qLinearConv,
  QLinearMatMul: qLinearMatMul,
  RMSNormalization: rmsNormalization,
  Scatter: ({ attrs, inputs, apply }) => apply("ScatterElements", attrs, ...inputs),
  Swish: swish,
  Upsample: upsample,
};

export const isExpanded = (type: string): boolean => Object.hasOwn(expansions, type);

/** 9 makes an input of the attribute `scales`; 10 has Resize instead. */
function upsample({ attrs, inputs, apply }: Call): readonly Value[] {
  const { mode, scales } = attrs;
  const x = need(inputs, 0, "Upsample");
  const given = Array.isArray(scales)
    ? constant(float32([scales.length], scales as number[]))
    : need(inputs, 1, "Upsample");
  return apply("Resize", asymmetric(mode), x, undefined, given);
}

/** What Resize meant in opset 10, and Upsample before it. */
export const asymmetric = (mode: Call["attrs"][string]) => ({
  mode: mode === "bilinear" ? "linear" : (mode ?? "nearest"),
  coordinate_transformation_mode: "asymmetric",
  nearest_mode: "floor",
});

/** The integers as the numbers they stand for; derivatives go straight through. */
function dequantized(
  { apply }: Call,
  x: Value,
  { scale, zero, axis }: { scale: Value; zero?: Value | undefined; axis: number },
): Value {
  return apply("DequantizeLinear", { axis }, x, scale, zero)[0];
}

/** The integers themselves, less the zero point. */
function centred(call: Call, x: Value, zero: Value | undefined, axis: number): Value {
  const shape = zero === undefined ? [] : known(zero.shape);
  const scale = constant(float32(shape, new Float32Array(size(shape)).fill(1)));
  return dequantized(call, x, { scale, zero, axis });
}

const toInt32 = ({ apply }: Call, x: Value): readonly Value[] =>
  apply("Cast", { to: codeOfDType("int32"), straight: 1 }, x);

function convInteger(call: Call): readonly Value[] {
  const [x, w] = [need(call.inputs, 0, call.type), need(call.inputs, 1, call.type)];
  const [, , xZero, wZero] = call.inputs;
  const [y] = call.apply(
    "Conv",
    call.attrs,
    centred(call, x, xZero, 1),
    centred(call, w, wZero, 0),
  );
  return toInt32(call, y);
}

function matMulInteger(call: Call): readonly Value[] {
  const [a, b] = [need(call.inputs, 0, call.type), need(call.inputs, 1, call.type)];
  const [, , aZero, bZero] = call.inputs;
  const [y] = call.apply(
    "MatMul",
    {},
    centred(call, a, aZero, Math.max(0, a.shape.length - 2)),
    centred(call, b, bZero, b.shape.length - 1),
  );
  return toInt32(call, y);
}

/** Eight inputs: x, its scale and zero point, the same of w, scale and zero point of the result. */
function operands(call: Call) {
  const [x, xScale, xZero, w, wScale, wZero, yScale, yZero] = Array.from({ length: 8 }, (_, i) =>
    need(call.inputs, i, call.type),
  );
  return { x, xScale, xZero, w, wScale, wZero, yScale, yZero };
}

function qLinearConv(call: Call): readonly Value[] {
  const { x, xScale, xZero, w, wScale, wZero, yScale, yZero } = operands(call);
  const bias = call.inputs[8];
  const data = dequantized(call, x, { scale: xScale, zero: xZero, axis: 1 });
  const weights = dequantized(call, w, { scale: wScale, zero: wZero, axis: 0 });
  const b =
    bias && dequantized(call, bias, { scale: call.apply("Mul", {}, xScale, wScale)[0], axis: 0 });
  const [y] = call.apply("Conv", call.attrs, data, weights, b);
  return call.apply("QuantizeLinear", {}, y, yScale, yZero);
}

function qLinearMatMul(call: Call): readonly Value[] {
  const { x, xScale, xZero, w, wScale, wZero, yScale, yZero } = operands(call);
  const row = Math.max(0, x.shape.length - 2);
  const [y] = call.apply(
    "MatMul",
    {},
    dequantized(call, x, { scale: xScale, zero: xZero, axis: row }),
    dequantized(call, w, { scale: wScale, zero: wZero, axis: w.shape.length - 1 }),
  );
  return call.apply("QuantizeLinear", { axis: row }, y, yScale, yZero);
}

/** uint8 over the range of the data, which is widened to hold 0. */
function dynamicQuantizeLinear({ type, inputs, apply }: Call): readonly Value[] {
  const x = need(inputs, 0, type);
  if (x.dtype !== "float32") throw new InvalidNode(`${type}: x is ${x.dtype}, needs float32`);
  const [zero, one, most] = [0, 1, 255].map((v) => literal(x, v));
  const end = (reduce: string, with0: string) =>
    apply(with0, {}, apply(reduce, { keepdims: 0 }, x)[0], zero)[0];
  const low = end("ReduceMin", "Min");
  const [range] = apply("Sub", {}, end("ReduceMax", "Max"), low);
  const [step] = apply("Div", {}, range, most);
  const [scale] = apply("Where", {}, apply("Equal", {}, step, zero)[0], one, step);
  const [start] = apply("Neg", {}, apply("Div", {}, low, scale)[0]);
  const [place] = apply("Round", {}, apply("Clip", {}, start, zero, most)[0]);
  const [point] = apply("Cast", { to: codeOfDType("uint8") }, place);
  const [y] = apply("QuantizeLinear", {}, x, scale, point);
  return [y, scale, point];
}
