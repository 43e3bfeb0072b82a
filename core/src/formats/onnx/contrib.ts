import { constant, type Value } from "../../ir/graph.ts";
import { int64 } from "../../ir/tensor.ts";
import { codeOfDType } from "../../ops/cast.ts";
import { literal } from "../../ops/literal.ts";
import { type Attrs, InvalidNode, need } from "../../ops/operator.ts";
import { attention, multiHeadAttention } from "./contribAttention.ts";
import { contribQuantised } from "./contribQuantised.ts";
import { type OnnxOperator, onnxOperator } from "./operators.ts";
import type { Call } from "./upgrade.ts";

/** An operator of ONNX Runtime's own, written with ONNX's. */
export interface Contrib extends OnnxOperator {
  readonly expand: Expand;
}

/** The outputs; undefined for those that are not made, a problem only where something reads them. */
type Expand = (call: Call) => readonly (Value | undefined)[];

/** Domain of ONNX Runtime's own operators, which its optimiser writes. */
const MICROSOFT = "com.microsoft";

/**
 * What ONNX Runtime's optimiser puts in place of several operators, by its ContribOperators.md. Where a
 * default is not stated there, it is that of its CPU kernels.
 */
const contribs: ReadonlyMap<string, Contrib> = table({
  ...contribQuantised,
  Attention: [
    "do_rotary:i mask_filter_value:f num_heads:i past_present_share_buffer:i qkv_hidden_sizes:is rotary_embedding_dim:i scale:f unidirectional:i",
    attention,
  ],
  BiasGelu: ["", ({ apply, inputs: [x, b] }) => apply("Gelu", {}, ...apply("Add", {}, x, b))],
  EmbedLayerNormalization: ["epsilon:f mask_index_type:i", embedLayerNormalization],
  FastGelu: ["", fastGelu],
  FusedConv: [
    "activation:s activation_params:fs auto_pad:s dilations:is group:i kernel_shape:is pads:is strides:is",
    fusedConv,
  ],
  FusedGemm: [
    "activation:s activation_alpha:f activation_beta:f activation_gamma:f alpha:f beta:f transA:i transB:i",
    fusedGemm,
  ],
  FusedMatMul: ["alpha:f transA:i transB:i transBatchA:i transBatchB:i", fusedMatMul],
  Gelu: ["", ({ apply, inputs: [x] }) => apply("Gelu", {}, x)],
  MultiHeadAttention: [
    "mask_filter_value:f num_heads:i scale:f unidirectional:i",
    multiHeadAttention,
  ],
  QuickGelu: ["alpha:f", quickGelu],
  SimplifiedLayerNormalization: ["axis:i epsilon:f stash_type:i", simplifiedLayerNormalization],
  SkipLayerNormalization: ["epsilon:f", skipNormalization("LayerNormalization")],
  SkipSimplifiedLayerNormalization: ["epsilon:f", skipNormalization("RMSNormalization")],
});

/** Operators that ONNX Runtime's optimiser writes in ONNX's own domain, before ONNX had them. */
const early: ReadonlyMap<string, Contrib> = table({
  LayerNormalization: [
    "axis:i epsilon:f stash_type:i",
    ({ apply, attrs, inputs }) => apply("LayerNormalization", attrs, ...inputs),
  ],
  SimplifiedLayerNormalization: ["axis:i epsilon:f stash_type:i", simplifiedLayerNormalization],
});

function table(entries: Readonly<Record<string, readonly [attributes: string, Expand]>>) {
  return new Map(
    Object.entries(entries).map(([type, [list, expand]]): [string, Contrib] => {
      const names = list.split(" ").filter(Boolean);
      const attributes = new Map(names.map((entry) => entry.split(":") as [string, string]));
      return [type, { oldest: 1, attributes, expand }];
    }),
  );
}

/** How an operator is written with ONNX's own, where it is one of ONNX Runtime's. */
export function contribOf(domain: string, type: string, opset: number): Contrib | undefined {
  if (domain === MICROSOFT) return contribs.get(type);
  if (domain !== "" && domain !== "ai.onnx") return undefined;
  const known = onnxOperator(type);
  return known !== undefined && opset >= known.oldest ? undefined : early.get(type);
}

const EPSILON = 1e-12;

function fastGelu({ apply, inputs: [x, bias] }: Call): readonly Value[] {
  const [sum] = bias === undefined ? [x] : apply("Add", {}, x, bias);
  return apply("Gelu", { approximate: "tanh" }, sum);
}

/** x·σ(alpha·x) */
function quickGelu({ type, apply, attrs, inputs }: Call): readonly Value[] {
  const x = need(inputs, 0, type);
  const alpha = typeof attrs.alpha === "number" ? attrs.alpha : 1.702;
  const [scaled] = apply("Mul", {}, x, literal(x, alpha));
  return apply("Mul", {}, x, ...apply("Sigmoid", {}, scaled));
}

/** The activation that was fused in, by its name and parameters in order. */
function activated(
  { type, apply }: Call,
  x: Value,
  activation: unknown,
  parameters: readonly unknown[],
): readonly Value[] {
  const number = (i: number, absent: number) => {
    const given = parameters[i];
    return typeof given === "number" ? given : absent;
  };
  switch (activation) {
    case undefined:
    case "":
      return [x];
    case "Relu":
    case "Sigmoid":
    case "Tanh":
    case "HardSwish":
      return apply(activation, {}, x);
    case "LeakyRelu":
      return apply(activation, { alpha: number(0, 0.01) }, x);
    case "HardSigmoid":
      return apply(activation, { alpha: number(0, 0.2), beta: number(1, 0.5) }, x);
    case "Clip":
      return apply(
        "Clip",
        {},
        x,
        literal(x, number(0, -3.4028234663852886e38)),
        literal(x, number(1, 3.4028234663852886e38)),
      );
    default:
      throw new InvalidNode(`${type}: activation ${String(activation)} is not supported`);
  }
}

/** activation(Conv(x, w, b) + z) */
function fusedConv(call: Call): readonly Value[] {
  const { activation, activation_params: parameters = [], ...attrs } = call.attrs;
  const [x, w, b, z] = call.inputs;
  const [y] = call.apply("Conv", attrs, x, w, b);
  const [sum] = z === undefined ? [y] : call.apply("Add", {}, y, z);
  return activated(call, sum, activation, parameters as readonly number[]);
}

function fusedGemm(call: Call): readonly Value[] {
  const {
    activation,
    activation_alpha: alpha,
    activation_beta: beta,
    activation_gamma: gamma,
    ...attrs
  } = call.attrs;
  const [y] = call.apply("Gemm", attrs, ...call.inputs);
  return activated(call, y, activation, [alpha, beta, gamma]);
}

/** alpha·A·B, the last two axes of each perhaps exchanged. */
function fusedMatMul({ type, apply, attrs, inputs }: Call): readonly Value[] {
  const { alpha = 1, transA, transB, transBatchA, transBatchB } = attrs;
  if (transBatchA === 1 || transBatchB === 1)
    throw new InvalidNode(`${type}: transBatchA and transBatchB are not supported`);
  const side = (index: number, exchanged: unknown): Value => {
    const value = need(inputs, index, type);
    const rank = value.shape.length;
    if (exchanged !== 1 || rank < 2) return value;
    const perm = value.shape.map((_, d) => (d < rank - 2 ? d : 2 * rank - 3 - d));
    return apply("Transpose", { perm }, value)[0];
  };
  const y = apply("MatMul", {}, side(0, transA), side(1, transB));
  return alpha === 1 ? y : apply("Mul", {}, y[0], literal(y[0], Number(alpha)));
}

/** x / √(mean x² + epsilon) · scale, over the axes from `axis` on. */
function simplifiedLayerNormalization(call: Call): readonly Value[] {
  const { axis = -1, epsilon = 1e-5 } = call.attrs;
  return rootMeanSquare(call, need(call.inputs, 0, call.type), call.inputs[1], { axis, epsilon });
}

function rootMeanSquare(
  { apply }: Call,
  x: Value,
  scale: Value | undefined,
  { axis = -1, epsilon }: Attrs,
): readonly Value[] {
  const first = Number(axis) < 0 ? Number(axis) + x.shape.length : Number(axis);
  const axes = x.shape.flatMap((_, d) => (d >= first ? [d] : []));
  const [square] = apply("Mul", {}, x, x);
  const along = constant(int64([axes.length], axes));
  const [mean] = apply("ReduceMean", { keepdims: 1 }, square, along);
  const [sum] = apply("Add", {}, mean, literal(x, Number(epsilon)));
  const [rate] = apply("Reciprocal", {}, ...apply("Sqrt", {}, sum));
  const [normal] = apply("Mul", {}, x, rate);
  return apply("Mul", {}, normal, scale);
}

/** Normalises input + skip (+ bias); the fourth output is that sum. */
function skipNormalization(kind: "LayerNormalization" | "RMSNormalization"): Expand {
  return (call) => {
    const { apply, attrs, inputs, type } = call;
    const [x, skip, gamma] = [0, 1, 2].map((i) => need(inputs, i, type));
    const layer = kind === "LayerNormalization";
    const [beta, bias] = layer ? [inputs[3], inputs[4]] : [undefined, inputs[3]];
    const [joined] = apply("Add", {}, x, skip);
    const [sum] = bias === undefined ? [joined] : apply("Add", {}, joined, bias);
    const { epsilon = EPSILON } = attrs;
    const [y] = layer
      ? apply("LayerNormalization", { axis: -1, epsilon }, sum, gamma, beta)
      : rootMeanSquare(call, sum, gamma, { epsilon });
    return [y, undefined, undefined, sum];
  };
}

/** Word, position and segment embeddings summed and normalised. */
function embedLayerNormalization({
  type,
  apply,
  attrs,
  inputs,
}: Call): readonly (Value | undefined)[] {
  const [ids, segments, words, positions, segmentTable, gamma, beta, mask, positionIds] = inputs;
  if (ids === undefined || words === undefined || positions === undefined)
    throw new InvalidNode(`${type}: ids or tables are missing`);
  const [word] = apply("Gather", {}, words, ids);
  const length = ids.shape[1];
  if (positionIds === undefined && typeof length !== "number")
    throw new InvalidNode(`${type}: the number of tokens is not known (${length})`);
  const at =
    positionIds ??
    constant(
      int64(
        [Number(length)],
        Array.from({ length: Number(length) }, (_, i) => i),
      ),
    );
  const [placed] = apply("Add", {}, word, ...apply("Gather", {}, positions, at));
  const [sum] =
    segments === undefined || segmentTable === undefined
      ? [placed]
      : apply("Add", {}, placed, ...apply("Gather", {}, segmentTable, segments));
  const { epsilon = EPSILON } = attrs;
  const [y] = apply("LayerNormalization", { axis: -1, epsilon }, sum, gamma, beta);
  const lengths = mask && tokenCounts(apply, mask);
  return [y, lengths, sum];
}

/** How many tokens of each sample the mask lets through. */
function tokenCounts(apply: Call["apply"], mask: Value): Value {
  const axes = constant(int64([1], [1]));
  const [float] = apply("Cast", { to: codeOfDType("float32") }, mask);
  const [count] = apply("ReduceSum", { keepdims: 0 }, float, axes);
  return apply("Cast", { to: codeOfDType("int32") }, count)[0];
}
