import type { Shape } from "../../ir/tensor.ts";
import type { Call } from "./build.ts";
import { nameOf } from "./inbound.ts";
import { isRecord, type JsonRecord, record, text } from "./json.ts";
import { isModel } from "./modelConfig.ts";
import { variableName } from "./weightSource.ts";

type Fields = (shape: readonly number[]) => JsonRecord;

const convolution: Fields = (shape) => ({ filters: shape.at(-1) });
const transposed: Fields = (shape) => ({ filters: shape.at(-2) });
const recurrent: Fields = ([units]) => ({ units });

/** By class and variable: what the configuration says of the variable's shape. */
const FIELDS: Readonly<Record<string, Readonly<Record<string, Fields>>>> = {
  Conv1D: { kernel: convolution },
  Conv2D: { kernel: convolution },
  Conv3D: { kernel: convolution },
  Convolution1D: { kernel: convolution },
  Convolution2D: { kernel: convolution },
  Convolution3D: { kernel: convolution },
  SeparableConv1D: { pointwise_kernel: convolution },
  SeparableConv2D: { pointwise_kernel: convolution },
  Conv1DTranspose: { kernel: transposed },
  Conv2DTranspose: { kernel: transposed },
  Conv3DTranspose: { kernel: transposed },
  Dense: { kernel: ([, units]) => ({ units }) },
  Embedding: { embeddings: ([input_dim, output_dim]) => ({ input_dim, output_dim }) },
  LSTM: { "cell/recurrent_kernel": recurrent },
  GRU: { "cell/recurrent_kernel": recurrent },
  SimpleRNN: { "cell/recurrent_kernel": recurrent },
  Reshape: { target_shape: ([, ...target]) => ({ target_shape: target }) },
};

/**
 * The model's configuration after its variables have been cut: `filters`, `units`, `output_dim`, … follow
 * the new shapes. `shapes`: by `variableName` ("block1/conv/kernel"), new shapes of the variables that
 * changed; "reshape/target_shape": the new numbers of that constant, of which the batch comes first.
 * The configuration given is not changed.
 */
export function editConfig(
  config: unknown,
  shapes: ReadonlyMap<string, readonly number[]>,
): unknown {
  return withLayers(record(config), [], (layer, path) => edited(layer, path, shapes));
}

function edited(
  layer: JsonRecord,
  path: readonly string[],
  shapes: ReadonlyMap<string, readonly number[]>,
): JsonRecord {
  const config = record(layer.config);
  if (isRecord(config.layer)) {
    const inner = edited(config.layer, [...path, "layer"], shapes);
    return { ...layer, config: { ...config, layer: inner } };
  }
  const fields = Object.entries(FIELDS[text(layer.class_name)] ?? {}).map(([variable, of]) => {
    const shape = shapes.get(variableName(path, variable));
    return shape === undefined ? {} : of(shape);
  });
  return { ...layer, config: Object.assign({}, config, ...fields) };
}

/**
 * Keras 3 also notes the shapes that layers were built and called with; it makes variables by them. They
 * become those of the edited model: `calls` as `buildKeras` gives them for it.
 */
export function refreshShapes(
  config: unknown,
  calls: ReadonlyMap<string, readonly Call[]>,
): unknown {
  return withLayers(record(config), [], (layer, path) => {
    const [first] = calls.get(path.join("/")) ?? [];
    const around = path.slice(0, -1);
    const noted =
      first === undefined || !isRecord(layer.build_config)
        ? {}
        : { build_config: built(layer.build_config, first.inputs) };
    const inbound =
      layer.inbound_nodes === undefined
        ? {}
        : { inbound_nodes: tensors(layer.inbound_nodes, around, calls) };
    return { ...layer, ...noted, ...inbound };
  });
}

/** The model with each layer changed, those of nested models too. */
function withLayers(
  model: JsonRecord,
  path: readonly string[],
  change: (layer: JsonRecord, path: readonly string[]) => JsonRecord,
): JsonRecord {
  const each = (layers: readonly unknown[]) =>
    layers.map((layer) => {
      if (!isRecord(layer)) return layer;
      const own = [...path, nameOf(layer)];
      return change(isModel(layer) ? withLayers(layer, own, change) : layer, own);
    });
  if (Array.isArray(model.config)) return { ...model, config: each(model.config) };
  const config = record(model.config);
  if (!Array.isArray(config.layers)) return model;
  return { ...model, config: { ...config, layers: each(config.layers) } };
}

const lengths = (shape: Shape): readonly (number | null)[] =>
  shape.map((d) => (typeof d === "number" ? d : null));

const isShape = (value: readonly unknown[]): boolean =>
  value.every((d) => d === null || typeof d === "number");

/** A shape, a list of them, or a dictionary like {query_shape, value_shape}. */
function built(noted: JsonRecord, inputs: readonly Shape[]): JsonRecord {
  const one = (old: unknown, i: number): unknown => {
    const shape = inputs[i] ?? inputs[0];
    return Array.isArray(old) && isShape(old) && old.length === shape?.length
      ? shape.map((d, axis) => (typeof d === "number" && old[axis] !== null ? d : old[axis]))
      : old;
  };
  return Object.fromEntries(
    Object.entries(noted).map(([key, old]) => {
      if (Array.isArray(old) && !isShape(old)) return [key, old.map(one)];
      if (!isRecord(old)) return [key, one(old, 0)];
      return [key, Object.fromEntries(Object.entries(old).map(([k, v], i) => [k, one(v, i)]))];
    }),
  );
}

function tensors(
  value: unknown,
  around: readonly string[],
  calls: ReadonlyMap<string, readonly Call[]>,
): unknown {
  if (Array.isArray(value)) return value.map((v) => tensors(v, around, calls));
  if (!isRecord(value)) return value;
  if (value.class_name === "__keras_tensor__") {
    const config = record(value.config);
    const [name, node, index] = Array.isArray(config.keras_history) ? config.keras_history : [];
    const made = calls.get([...around, text(name)].join("/"))?.[Number(node)];
    const shape = made?.outputs[Number(index)];
    if (shape === undefined) return value;
    return { ...value, config: { ...config, shape: lengths(shape) } };
  }
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, tensors(v, around, calls)]));
}
