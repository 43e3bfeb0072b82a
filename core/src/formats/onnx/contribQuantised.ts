import type { Value } from "../../ir/graph.ts";
import { type Attrs, InvalidNode, need } from "../../ops/operator.ts";
import { expansions } from "./expansions.ts";
import type { Call, Upgrade } from "./upgrade.ts";

/** Operators on 8-bit integers, each as: dequantise, compute, quantise. */
export const contribQuantised: Readonly<Record<string, readonly [attributes: string, Upgrade]>> = {
  DequantizeLinear: [
    "axis:i",
    ({ apply, attrs, inputs }) => apply("DequantizeLinear", attrs, ...inputs),
  ],
  DynamicQuantizeMatMul: ["", dynamicQuantizeMatMul],
  QGemm: ["alpha:f transA:i transB:i", qGemm],
  QLinearAdd: ["", two("Add")],
  QLinearAveragePool: [
    "auto_pad:s ceil_mode:i channels_last:i count_include_pad:i kernel_shape:is pads:is strides:is",
    one("AveragePool"),
  ],
  QLinearConcat: ["axis:i", qLinearConcat],
  QLinearGlobalAveragePool: ["channels_last:i", one("GlobalAveragePool")],
  QLinearLeakyRelu: ["alpha:f", one("LeakyRelu")],
  QLinearMul: ["", two("Mul")],
  QLinearSigmoid: ["", one("Sigmoid")],
  QLinearSoftmax: ["axis:i opset:i", qLinearSoftmax],
  QuantizeLinear: [
    "axis:i",
    ({ apply, attrs, inputs }) => apply("QuantizeLinear", attrs, ...inputs),
  ],
};

/** The numbers that three inputs from `first` on stand for: integers, scale, zero point. */
function number({ type, apply, inputs }: Call, first: number, attrs: Attrs = {}): Value {
  const [x, scale] = [need(inputs, first, type), need(inputs, first + 1, type)];
  return apply("DequantizeLinear", attrs, x, scale, inputs[first + 2])[0];
}

const quantised = (call: Call, y: Value, scale: number): readonly Value[] =>
  call.apply("QuantizeLinear", {}, y, need(call.inputs, scale, call.type), call.inputs[scale + 1]);

/** Inputs: x, its scale and zero point, scale and zero point of the result. */
function one(type: string): Upgrade {
  return (call) => {
    const { channels_last: last = 0, ...attrs } = call.attrs;
    if (last !== 0) throw new InvalidNode(`${call.type}: channels_last is not supported`);
    return quantised(call, call.apply(type, attrs, number(call, 0))[0], 3);
  };
}

/** Inputs: a and b, each with scale and zero point, scale and zero point of the result. */
function two(type: string): Upgrade {
  return (call) => quantised(call, call.apply(type, {}, number(call, 0), number(call, 3))[0], 6);
}

function qLinearSoftmax(call: Call): readonly Value[] {
  const { axis = -1, opset = 13 } = call.attrs;
  const x = number(call, 0);
  const last = Number(axis) === -1 || Number(axis) === x.shape.length - 1;
  if (Number(opset) < 13 && !last)
    throw new InvalidNode(`${call.type}: axis ${String(axis)} of opset ${String(opset)}`);
  return quantised(call, call.apply("Softmax", { axis }, x)[0], 3);
}

/** Inputs: scale and zero point of the result, then each part with its own. */
function qLinearConcat(call: Call): readonly Value[] {
  const parts: Value[] = [];
  for (let i = 2; i < call.inputs.length; i += 3) parts.push(number(call, i));
  return quantised(call, call.apply("Concat", call.attrs, ...parts)[0], 0);
}

/** Inputs: a, b, each with scale and zero point, c (int32), scale and zero point of the result or none. */
function qGemm(call: Call): readonly Value[] {
  const { transB } = call.attrs;
  const { apply, inputs, type } = call;
  const a = number(call, 0);
  const b = number(call, 3, { axis: transB === 1 ? 0 : 1 });
  const [product] = apply("Gemm", call.attrs, a, b);
  const c = inputs[6];
  let y = product;
  if (c !== undefined) {
    const [scale] = apply("Mul", {}, need(inputs, 1, type), need(inputs, 4, type));
    const [bias] = apply("DequantizeLinear", { axis: 0 }, c, scale);
    [y] = apply("Add", {}, product, bias);
  }
  return inputs[7] === undefined ? [y] : quantised(call, y, 7);
}

/** Inputs: a (float), b, its scale and zero point, bias; a is quantised by its range. */
function dynamicQuantizeMatMul(call: Call): readonly Value[] {
  const { apply, inputs, type } = call;
  const a = need(inputs, 0, type);
  const [whole, scale, zero] = dynamicallyQuantised(call, a);
  const [near] = apply("DequantizeLinear", {}, whole, scale, zero);
  const [product] = apply("MatMul", {}, near, number(call, 1, { axis: 1 }));
  return inputs[4] === undefined ? [product] : apply("Add", {}, product, inputs[4]);
}

const dynamicallyQuantised = (call: Call, a: Value): readonly Value[] =>
  expansions.DynamicQuantizeLinear({
    ...call,
    type: "DynamicQuantizeLinear",
    attrs: {},
    inputs: [a],
  });
