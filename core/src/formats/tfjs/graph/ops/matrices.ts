import type { Value } from "../../../../ir/graph.ts";
import { InvalidNode } from "../../../../ops/operator.ts";
import type { Call, Converter } from "../call.ts";
import { activated } from "../fused.ts";
import { identity, ordered, plain, rankOf } from "../held.ts";

/** Product of matrices, the bias of a fused node with it. */
const matMul: Converter = (call) => {
  const [a, b] = [call.plain(0), call.plain(1)];
  if (a.shape.length !== 2 || b.shape.length !== 2)
    throw new InvalidNode("the operands must be matrices");
  const [transA, transB] = ["transpose_a", "transpose_b"].map((n) =>
    call.attributes.bool(n) ? 1 : 0,
  );
  const fused = call.attributes.texts("fused_ops");
  const [first, ...others] = call.inputs.slice(2).map((_, i) => call.plain(i + 2));
  const bias = fused[0] === "BiasAdd" ? first : undefined;
  const flat = transA === 0 && transB === 0 && bias === undefined;
  const attrs = { ...(transA === 1 ? { transA } : {}), ...(transB === 1 ? { transB } : {}) };
  const y = flat ? call.apply("MatMul", {}, a, b) : call.apply("Gemm", attrs, a, b, bias);
  return activated(call, plain(y), fused, bias === undefined ? first : others[0]);
};

const batchMatMul: Converter = (call) => {
  const turn = (value: Value, name: string): Value => {
    if (!call.attributes.bool(name)) return value;
    const axes = identity(value.shape.length);
    if (axes.length < 2) throw new InvalidNode("the operands must be matrices");
    return call.apply(
      "Transpose",
      { perm: [...axes.slice(0, -2), axes.length - 1, axes.length - 2] },
      value,
    );
  };
  return plain(
    call.apply("MatMul", {}, turn(call.plain(0), "adj_x"), turn(call.plain(1), "adj_y")),
  );
};

/** Nothing moves until somebody needs TensorFlow's order. */
const transpose: Converter = (call) => {
  const x = call.tensor(0);
  const perm = call.axes(call.numbers(1), rankOf(x));
  if (perm.length !== rankOf(x)) throw new InvalidNode("perm does not fit the rank of the input");
  return ordered(
    x.value,
    x.order.map((axis) => perm.indexOf(axis)),
  );
};

const einsum: Converter = (call) =>
  plain(
    call.apply(
      "Einsum",
      { equation: call.attributes.text("equation") },
      ...call.inputs.map((_, i) => call.plain(i)),
    ),
  );

const softmax =
  (type: string): Converter =>
  (call: Call) => {
    const x = call.tensor(0);
    const axis = x.order.indexOf(rankOf(x) - 1);
    return ordered(call.apply(type, { axis }, x.value), x.order);
  };

export const matrices: Readonly<Record<string, Converter>> = {
  MatMul: matMul,
  _FusedMatMul: matMul,
  BatchMatMul: batchMatMul,
  BatchMatMulV2: batchMatMul,
  BatchMatMulV3: batchMatMul,
  Transpose: transpose,
  Einsum: einsum,
  Softmax: softmax("Softmax"),
  LogSoftmax: softmax("LogSoftmax"),
};
