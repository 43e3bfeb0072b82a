import { known } from "../../../ir/tensor.ts";
import { InvalidNode } from "../../../ops/operator.ts";
import { type Held, plain, shapeOf } from "../held.ts";
import { record, text } from "../json.ts";
import { type Layer, type Lower, numberOf, Unsupported } from "../layer.ts";
import { activate } from "./activations.ts";

const dense: Lower = (layer) => {
  const bias = layer.flag("use_bias", true);
  const [kernel, b] = layer.variables(bias ? ["kernel", "bias"] : ["kernel"]);
  const x = layer.plain(layer.input);
  const y =
    x.shape.length === 2
      ? layer.op("Gemm", {}, x, kernel, b)
      : withBias(layer, layer.op("MatMul", {}, x, kernel), b);
  return activate(layer, { ...plain(y), ...marks(layer) }, layer.config.activation);
};

const withBias = (layer: Layer, y: Held["value"], b: Held["value"] | undefined) =>
  b === undefined ? y : layer.op("Add", {}, y, b);

/** Marks of time steps go on through layers that treat each step alone. */
export const marks = (layer: Layer): { masked?: true } =>
  layer.inputs.some((x) => x.masked === true) ? { masked: true } : {};

const flatten: Lower = (layer) => plain(layer.op("Flatten", { axis: 1 }, layer.plain(layer.input)));

const reshape: Lower = (layer) => {
  const { target_shape: target } = layer.config;
  if (!Array.isArray(target) || !target.every((n) => Number.isInteger(n)))
    throw new InvalidNode("its target_shape is not a list of integers");
  return plain(
    layer.op("Reshape", {}, layer.plain(layer.input), layer.target("target_shape", [0, ...target])),
  );
};

const permute: Lower = (layer) => {
  const dims = layer.numbers("dims", layer.input.value.shape.length - 1, 0);
  return plain(layer.transpose(layer.plain(layer.input), [0, ...dims]));
};

const repeatVector: Lower = (layer) => {
  const times = layer.real("n", 1);
  const x = layer.op("Unsqueeze", {}, layer.plain(layer.input), layer.ints([1]));
  return plain(layer.op("Tile", {}, x, layer.ints([1, times, 1])));
};

/** What only training does. */
const identity: Lower = (layer) => {
  layer.applied();
  return layer.input;
};

const embedding: Lower = (layer) => {
  const [table] = layer.variables(["embeddings"]);
  const x = layer.plain(layer.input);
  const indices = x.dtype === "int64" || x.dtype === "int32" ? x : layer.op("Cast", { to: 7 }, x);
  const y = plain(layer.op("Gather", { axis: 0 }, table, indices));
  return layer.flag("mask_zero", false) ? { ...y, masked: true } : y;
};

/** Steps whose features all equal the value become 0 and are marked. */
const masking: Lower = (layer) => {
  const x = layer.plain(layer.input);
  const same = layer.op("Equal", {}, x, layer.number(layer.real("mask_value", 0)));
  const differs = layer.op("Cast", { to: 1 }, layer.op("Not", {}, same));
  const kept = layer.op("ReduceMax", { keepdims: 1 }, differs, layer.ints([-1]));
  return { ...plain(layer.op("Mul", {}, x, kept)), masked: true };
};

/** The wrapped layer on each step: as rank-2 rows for Dense, else folded into the batch. */
const timeDistributed =
  (lowerOf: (className: string) => Lower | undefined): Lower =>
  (layer) => {
    const inner = record(layer.config.layer);
    const className = text(inner.class_name);
    const lower = lowerOf(className);
    if (lower === undefined) throw new Unsupported(`wrapped around ${className}`);
    const x = layer.plain(layer.input);
    const [, steps, ...rest] = shapeOf(layer.input);
    const own = { ...record(inner.config) };
    if (className === "Dense" || typeof steps !== "number") {
      if (className !== "Dense") throw new Unsupported("steps of no fixed number");
      return lower(layer.as(own, [{ ...plain(x), ...marks(layer) }], "layer"));
    }
    const folded = layer.reshape(x, [-1, ...known(rest)]);
    const found = lower(layer.as(own, [plain(folded)], "layer"));
    const y = layer.plain(Array.isArray(found) ? (found[0] as Held) : (found as Held));
    return plain(layer.reshape(y, [-1, steps, ...known(y.shape.slice(1))]));
  };

/** Numbers of the configuration along the last axis, or the same for all. */
export function alongLast(layer: Layer, values: unknown, axis = -1): Held["value"] {
  const all = Array.isArray(values) ? values.flat(Number.POSITIVE_INFINITY) : [values];
  const numbers = all.map((v) => numberOf(v) ?? Number.NaN);
  if (numbers.some(Number.isNaN)) throw new InvalidNode("its numbers cannot be read");
  return broadcast(layer, layer.floats(numbers), numbers.length, axis);
}

/** A vector as a tensor that broadcasts along an axis of the input. */
export function broadcast(
  layer: Layer,
  vector: Held["value"],
  length: number,
  axis: number,
): Held["value"] {
  if (length === 1) return layer.reshape(vector, []);
  const at = layer.axis(layer.input, axis);
  const after = layer.input.value.shape.length - 1 - at;
  return after === 0 ? vector : layer.reshape(vector, [-1, ...new Array<number>(after).fill(1)]);
}

const rescaling: Lower = (layer) => {
  const x = layer.input;
  const scaled = layer.op("Mul", {}, x.value, alongLast(layer, layer.config.scale ?? 1));
  const offset = layer.config.offset ?? 0;
  return layer.like(
    x,
    offset === 0 ? scaled : layer.op("Add", {}, scaled, alongLast(layer, offset)),
  );
};

/** (x − mean) / max(√variance, 1e-7) */
const normalization: Lower = (layer) => {
  const { axis = -1, mean, variance } = layer.config;
  const axes = (Array.isArray(axis) ? axis : [axis]).filter((a) => a !== null);
  if (axes.length > 1 || layer.flag("invert", false))
    throw new Unsupported("normalising over several axes, or backwards");
  const along = Number(axes[0] ?? -1);
  const given = mean !== undefined && mean !== null;
  const [m, v] = given
    ? [alongLast(layer, mean, along), alongLast(layer, variance, along)]
    : layer
        .variables(["mean", "variance", "count"])
        .slice(0, 2)
        .map((vector) =>
          broadcast(
            layer,
            layer.reshape(vector, [-1]),
            known(vector.shape).reduce((a, b) => a * b, 1),
            along,
          ),
        );
  const x = layer.input;
  const deviation = layer.op("Clip", {}, layer.op("Sqrt", {}, v), layer.number(1e-7));
  return layer.like(x, layer.op("Div", {}, layer.op("Sub", {}, x.value, m), deviation));
};

const lambda: Lower = () => {
  throw new Unsupported("a Lambda holds Python code, which is never run, so it");
};

export const coreLayers = (
  lowerOf: (className: string) => Lower | undefined,
): Readonly<Record<string, Lower>> => ({
  Dense: dense,
  Flatten: flatten,
  Reshape: reshape,
  Permute: permute,
  RepeatVector: repeatVector,
  Embedding: embedding,
  Masking: masking,
  TimeDistributed: timeDistributed(lowerOf),
  Rescaling: rescaling,
  Normalization: normalization,
  Lambda: lambda,
  ...Object.fromEntries(
    [
      "Dropout",
      "SpatialDropout1D",
      "SpatialDropout2D",
      "SpatialDropout3D",
      "AlphaDropout",
      "GaussianDropout",
      "GaussianNoise",
      "ActivityRegularization",
      "Identity",
      "RandomFlip",
      "RandomRotation",
      "RandomZoom",
      "RandomContrast",
      "RandomBrightness",
      "RandomTranslation",
    ].map((name) => [name, identity]),
  ),
});
