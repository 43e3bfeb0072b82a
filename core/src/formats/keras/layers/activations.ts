import type { Value } from "../../../ir/graph.ts";
import type { Attrs } from "../../../ops/operator.ts";
import { InvalidNode } from "../../../ops/operator.ts";
import type { Held } from "../held.ts";
import { isRecord, record, text } from "../json.ts";
import { type Layer, type Lower, numberOf, Unsupported } from "../layer.ts";

type Apply = (layer: Layer, x: Held) => Value;

const simple =
  (type: string, attrs: Attrs = {}): Apply =>
  (layer, x) =>
    layer.op(type, attrs, x.value);

const along =
  (type: string, axis = -1): Apply =>
  (layer, x) =>
    layer.op(type, { axis: layer.axis(x, axis) }, x.value);

const clip =
  (low: number | undefined, high: number | undefined): Apply =>
  (layer, x) =>
    layer.op(
      "Clip",
      {},
      x.value,
      low === undefined ? undefined : layer.number(low),
      high === undefined ? undefined : layer.number(high),
    );

const SIXTH = 1 / 6;
/** Keras 3 and PyTorch: relu6(x + 3) / 6; Keras 2: 0.2·x + 0.5. */
const hardSigmoid: Apply = (layer, x) => {
  return layer.op("HardSigmoid", { alpha: layer.legacy ? 0.2 : SIXTH, beta: 0.5 }, x.value);
};

/** By the names of keras.activations. */
const functions: Readonly<Record<string, Apply>> = {
  linear: (_layer, x) => x.value,
  relu: simple("Relu"),
  relu6: clip(0, 6),
  sigmoid: simple("Sigmoid"),
  tanh: simple("Tanh"),
  exponential: simple("Exp"),
  softplus: simple("Softplus"),
  softsign: simple("Softsign"),
  elu: simple("Elu", { alpha: 1 }),
  celu: simple("Celu", { alpha: 1 }),
  selu: simple("Selu"),
  gelu: simple("Gelu"),
  mish: simple("Mish"),
  leaky_relu: simple("LeakyRelu", { alpha: 0.2 }),
  hard_sigmoid: hardSigmoid,
  hard_silu: (layer, x) => layer.op("Mul", {}, x.value, hardSigmoid(layer, x)),
  hard_swish: (layer, x) => layer.op("Mul", {}, x.value, hardSigmoid(layer, x)),
  hard_tanh: clip(-1, 1),
  silu: (layer, x) => layer.op("Mul", {}, x.value, layer.op("Sigmoid", {}, x.value)),
  swish: (layer, x) => layer.op("Mul", {}, x.value, layer.op("Sigmoid", {}, x.value)),
  log_sigmoid: (layer, x) =>
    layer.op("Neg", {}, layer.op("Softplus", {}, layer.op("Neg", {}, x.value))),
  tanh_shrink: (layer, x) => layer.op("Sub", {}, x.value, layer.op("Tanh", {}, x.value)),
  softmax: along("Softmax"),
  log_softmax: along("LogSoftmax"),
};

/** Applies an activation as configurations give it: a name, a function, or a layer of its own. */
export function activate(layer: Layer, x: Held, activation: unknown): Held {
  if (activation === undefined || activation === null) return x;
  if (isRecord(activation) && activation.class_name !== "function") {
    const lower = activationLayers[text(activation.class_name)];
    if (lower === undefined) throw new Unsupported(`its activation ${text(activation.class_name)}`);
    const found = lower(layer.as(record(activation.config), [x]));
    return Array.isArray(found) ? (found[0] as Held) : (found as Held);
  }
  const name = text(isRecord(activation) ? activation.config : activation);
  if (name === "linear") return x;
  const apply = Object.hasOwn(functions, name) ? functions[name] : undefined;
  if (apply === undefined) throw new Unsupported(`its activation ${name || "function"}`);
  return layer.like(x, apply(layer, x));
}

/** ONNX's name of an activation inside a recurrent layer. */
export function recurrentActivation(activation: unknown, legacy: boolean): string {
  const name = text(isRecord(activation) ? activation.config : activation);
  const known: Readonly<Record<string, string>> = {
    tanh: "Tanh",
    sigmoid: "Sigmoid",
    relu: "Relu",
    softsign: "Softsign",
    softplus: "Softplus",
    // ONNX's own slope of 0.2 is that of Keras 2.
    ...(legacy ? { hard_sigmoid: "HardSigmoid" } : {}),
  };
  if (!Object.hasOwn(known, name)) throw new Unsupported(`its activation ${name || "function"}`);
  return known[name];
}

const each =
  (apply: Apply): Lower =>
  (layer) =>
    layer.like(layer.input, apply(layer, layer.input));

const relu: Lower = (layer) => {
  const x = layer.input;
  const slope = layer.real("negative_slope", layer.real("alpha", 0));
  const threshold = layer.real("threshold", layer.real("theta", 0));
  const most = numberOf(layer.config.max_value);
  if (threshold !== 0) throw new Unsupported(`its threshold ${threshold}`);
  const bent =
    slope !== 0
      ? layer.op("LeakyRelu", { alpha: slope }, x.value)
      : most === undefined
        ? layer.op("Relu", {}, x.value)
        : undefined;
  if (most === undefined) return layer.like(x, bent!);
  if (bent === undefined) return layer.like(x, clip(0, most)(layer, x));
  return layer.like(x, clip(undefined, most)(layer, layer.like(x, bent)));
};

/** One slope for each element, shared along some axes. */
const pRelu: Lower = (layer) => {
  const x = layer.input;
  const [alpha] = layer.variables(["alpha"]);
  if (alpha.shape.length !== x.value.shape.length - 1)
    throw new InvalidNode("its alpha has another rank than its input");
  const perm = [alpha.shape.length - 1, ...alpha.shape.slice(1).map((_, i) => i)];
  return layer.like(
    x,
    layer.op("PRelu", {}, x.value, x.first ? layer.transpose(alpha, perm) : alpha),
  );
};

const softmax: Lower = (layer) => {
  layer.unmasked();
  const { axis = -1 } = layer.config;
  const axes = Array.isArray(axis) ? axis : [axis];
  if (axes.length !== 1) throw new Unsupported("a Softmax over several axes");
  return layer.like(
    layer.input,
    layer.op("Softmax", { axis: layer.axis(layer.input, Number(axes[0])) }, layer.input.value),
  );
};

export const activationLayers: Readonly<Record<string, Lower>> = {
  Activation: (layer) => activate(layer, layer.input, layer.config.activation),
  ReLU: relu,
  LeakyReLU: each((layer, x) =>
    layer.op(
      "LeakyRelu",
      { alpha: layer.real("negative_slope", layer.real("alpha", 0.3)) },
      x.value,
    ),
  ),
  ELU: each((layer, x) => layer.op("Elu", { alpha: layer.real("alpha", 1) }, x.value)),
  ThresholdedReLU: each((layer, x) =>
    layer.op("ThresholdedRelu", { alpha: layer.real("theta", 1) }, x.value),
  ),
  PReLU: pRelu,
  Softmax: softmax,
};
