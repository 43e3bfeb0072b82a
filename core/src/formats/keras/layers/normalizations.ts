import type { Value } from "../../../ir/graph.ts";
import { InvalidNode } from "../../../ops/operator.ts";
import { type Held, plain } from "../held.ts";
import { type Layer, type Lower, Unsupported } from "../layer.ts";
import { broadcast, marks } from "./core.ts";

/** The one axis of the configuration: a number, or a list of one. */
function axisOf(layer: Layer): number {
  const { axis = -1 } = layer.config;
  const axes = Array.isArray(axis) ? axis : [axis];
  if (axes.length !== 1 || !Number.isInteger(axes[0]))
    throw new Unsupported("normalising over several axes");
  return Number(axes[0]);
}

/** Scale and shift, which either of them may be left out. */
function parameters(
  layer: Layer,
  others: readonly string[],
): {
  gamma: Value | undefined;
  beta: Value | undefined;
  rest: readonly Value[];
} {
  const names = [
    ...(layer.flag("scale", true) ? ["gamma"] : []),
    ...(layer.flag("center", true) ? ["beta"] : []),
    ...others,
  ];
  const found = new Map(layer.variables(names).map((v, i) => [names[i], v]));
  return {
    gamma: found.get("gamma"),
    beta: found.get("beta"),
    rest: others.map((name) => found.get(name)!),
  };
}

/** The channel axis goes behind the batch, which is where ONNX has it. */
const batchNormalization: Lower = (layer) => {
  layer.applied();
  const x = layer.input;
  const axis = axisOf(layer);
  const { gamma, beta, rest } = parameters(layer, ["moving_mean", "moving_variance"]);
  const [mean, variance] = rest;
  const length = mean.shape[0];
  if (typeof length !== "number") throw new InvalidNode("its mean is no vector");
  const scale = gamma ?? layer.implied("gamma", length, 1);
  const shift = beta ?? layer.implied("beta", length, 0);
  const attrs = { epsilon: layer.real("epsilon", 1e-3) };
  const apply = (value: Value) =>
    layer.op("BatchNormalization", attrs, value, scale, shift, mean, variance);
  if (layer.axis(x, axis) === 1) return layer.like(x, apply(x.value));
  const rank = x.value.shape.length;
  if (axis === -1 || axis === rank - 1)
    return { ...marks(layer), value: apply(layer.first(x)), first: true };
  if (axis === 1 || axis === 1 - rank) return plain(apply(layer.plain(x)));
  throw new Unsupported(`normalising along axis ${axis}`);
};

/** Over the last axis: ONNX's own; over others, by the same formula. */
const layerNormalization: Lower = (layer) => {
  const x = layer.input;
  const axis = axisOf(layer);
  if (axis !== -1 && axis !== x.value.shape.length - 1) throw new Unsupported(`over axis ${axis}`);
  if (layer.flag("rms_scaling", false)) throw new Unsupported("rms_scaling");
  const { gamma, beta } = parameters(layer, []);
  const value = layer.plain(x);
  const length = layer.length(x, -1);
  const y = layer.op(
    "LayerNormalization",
    { axis: -1, epsilon: layer.real("epsilon", 1e-3) },
    value,
    gamma ?? layer.implied("gamma", length, 1),
    beta,
  );
  return { ...plain(y), ...marks(layer) };
};

/** Wu & He 2018: mean and variance over the maps of each group. */
const groupNormalization: Lower = (layer) => {
  const x = layer.input;
  const axis = axisOf(layer);
  if (axis !== -1 && axis !== x.value.shape.length - 1) throw new Unsupported(`along axis ${axis}`);
  const { gamma, beta } = parameters(layer, []);
  const value = layer.first(x);
  const channels = layer.length(x, -1);
  const asked = layer.real("groups", 32);
  const groups = asked === -1 ? channels : asked;
  const spatial = value.shape.slice(2);
  if (spatial.some((d) => typeof d !== "number")) throw new Unsupported("maps of no fixed size");
  const grouped = layer.reshape(value, [0, groups, -1]);
  const axes = layer.ints([2]);
  const mean = layer.op("ReduceMean", { keepdims: 1 }, grouped, axes);
  const centred = layer.op("Sub", {}, grouped, mean);
  const variance = layer.op(
    "ReduceMean",
    { keepdims: 1 },
    layer.op("Mul", {}, centred, centred),
    axes,
  );
  const deviation = layer.op(
    "Sqrt",
    {},
    layer.op("Add", {}, variance, layer.number(layer.real("epsilon", 1e-3))),
  );
  const back = layer.reshape(layer.op("Div", {}, centred, deviation), [
    0,
    channels,
    ...spatial.map(Number),
  ]);
  const first = x.first || value.shape.length > 2;
  return scaled(layer, { value: back, first }, gamma, beta, channels);
};

function scaled(
  layer: Layer,
  x: Held,
  gamma: Value | undefined,
  beta: Value | undefined,
  length: number,
): Held {
  const own = layer.as(layer.config, [x]);
  const product =
    gamma === undefined ? x.value : layer.op("Mul", {}, x.value, broadcast(own, gamma, length, -1));
  return layer.like(
    x,
    beta === undefined ? product : layer.op("Add", {}, product, broadcast(own, beta, length, -1)),
  );
}

/** x / √max(Σ x², 1e-12) */
const unitNormalization: Lower = (layer) => {
  const x = layer.input;
  const { axis = -1 } = layer.config;
  const axes = (Array.isArray(axis) ? axis : [axis]).map((a) => layer.axis(x, Number(a)));
  const squares = layer.op(
    "ReduceSum",
    { keepdims: 1 },
    layer.op("Mul", {}, x.value, x.value),
    layer.ints(axes),
  );
  const norm = layer.op("Sqrt", {}, layer.op("Clip", {}, squares, layer.number(1e-12)));
  return layer.like(x, layer.op("Div", {}, x.value, norm));
};

/** x / √(mean x² + ε) · scale */
const rmsNormalization: Lower = (layer) => {
  const x = plain(layer.plain(layer.input));
  const [scale] = layer.variables(["scale"]);
  const mean = layer.op(
    "ReduceMean",
    { keepdims: 1 },
    layer.op("Mul", {}, x.value, x.value),
    layer.ints([-1]),
  );
  const root = layer.op(
    "Sqrt",
    {},
    layer.op("Add", {}, mean, layer.number(layer.real("epsilon", 1e-6))),
  );
  return layer.like(x, layer.op("Mul", {}, layer.op("Div", {}, x.value, root), scale));
};

export const normalizationLayers: Readonly<Record<string, Lower>> = {
  BatchNormalization: batchNormalization,
  SyncBatchNormalization: batchNormalization,
  LayerNormalization: layerNormalization,
  GroupNormalization: groupNormalization,
  UnitNormalization: unitNormalization,
  RMSNormalization: rmsNormalization,
};
