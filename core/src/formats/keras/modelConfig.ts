import { fail } from "../../problem.ts";
import { endsOf, type Inbound, inboundOf, nameOf, Ref, refsIn } from "./inbound.ts";
import { isRecord, type JsonRecord, list, record, text } from "./json.ts";
import type { Lower } from "./layer.ts";
import { functionOf, layerOf } from "./layers/table.ts";

/** One call of one layer of a model, after those it reads from. */
export interface LayerCall {
  readonly layer: JsonRecord;
  readonly name: string;
  /** Its name in Keras 3's containers of weights: "conv2d_1"; "" for operations, which have none. */
  readonly saved: string;
  /** Which of the layer's calls. */
  readonly node: number;
  readonly call: Inbound;
}

export interface ModelConfig {
  readonly byName: ReadonlyMap<string, JsonRecord>;
  /** Names of the layers that hold the model's inputs. */
  readonly inputs: readonly string[];
  readonly outputs: readonly Ref[];
  /** In an order in which they can be made. Throws ProblemError where there is none. */
  calls(file: string): readonly LayerCall[];
}

const MODELS = ["Functional", "Model", "Sequential"];

/** A layer or model that is made of layers. */
export const isModel = (layer: JsonRecord): boolean =>
  MODELS.includes(text(layer.class_name)) &&
  (Array.isArray(layer.config) || Array.isArray(record(layer.config).layers));

export const classOf = (layer: JsonRecord): string => text(layer.class_name) || "without a class";

/** keras.ops have classes of the same names as layers. */
const isOperation = (layer: JsonRecord): boolean => /\.ops(\.|$)/.test(text(layer.module));

/** Classes of the user's own are registered as "package>Class". */
const isCustom = (layer: JsonRecord): boolean => text(layer.registered_name).includes(">");

export function lowerOf(layer: JsonRecord): Lower | undefined {
  const className = text(layer.class_name);
  if (isCustom(layer)) return undefined;
  if (isOperation(layer)) return functionOf(className);
  if (className === "TFOpLambda") return functionOf(text(record(layer.config).function));
  return layerOf(className);
}

export function modelOf(model: JsonRecord): ModelConfig {
  // Keras before 2.2.3 has the list of a Sequential's layers as its configuration.
  const config = record(Array.isArray(model.config) ? { layers: model.config } : model.config);
  const layers = list(config.layers).filter(isRecord);
  const sequential = model.class_name === "Sequential";
  const named = layers.map((layer, i) => nameOf(layer) || `${text(layer.class_name)}_${i}`);
  const byName = new Map(layers.map((layer, i) => [named[i], layer]));
  return sequential
    ? chain(model, config, layers, named, byName)
    : functional(config, layers, named, byName);
}

function functional(
  config: JsonRecord,
  layers: readonly JsonRecord[],
  named: readonly string[],
  byName: ReadonlyMap<string, JsonRecord>,
): ModelConfig {
  const saved = savedNames(layers);
  const outputs = endsOf(config.output_layers);
  const inbound = layers.map(inboundOf);
  const begins = firstNodes([...inbound.flat().flatMap(refsOf), ...outputs], byName);
  return {
    byName,
    inputs: endsOf(config.input_layers).map((ref) => ref.layer),
    outputs,
    calls: (file) =>
      ordered(
        layers.flatMap((layer, i) =>
          inbound[i].map((call, k) => ({
            layer,
            name: named[i],
            saved: saved[i],
            node: k + (begins.get(named[i]) ?? 0),
            call,
          })),
        ),
        new Set(layers.flatMap((l, i) => (l.class_name === "InputLayer" ? [`${named[i]}/0`] : []))),
        file,
      ),
  };
}

const refsOf = ({ args, kwargs }: Inbound): readonly Ref[] => [
  ...refsIn([...args]),
  ...refsIn(kwargs),
];

/** Keras 2 counts the making of a nested model as its first call: others read from its call 1 on. */
function firstNodes(
  refs: readonly Ref[],
  byName: ReadonlyMap<string, JsonRecord>,
): ReadonlyMap<string, number> {
  const first = new Map<string, number>();
  for (const { layer, node } of refs)
    if (isModel(byName.get(layer) ?? {})) first.set(layer, Math.min(first.get(layer) ?? 1, node));
  return first;
}

/** One layer after the other; the input's shape stands at the first layer or at the model. */
function chain(
  model: JsonRecord,
  config: JsonRecord,
  layers: readonly JsonRecord[],
  named: readonly string[],
  byName: Map<string, JsonRecord>,
): ModelConfig {
  const begins = layers[0]?.class_name === "InputLayer";
  const first = begins ? named[0] : "input";
  if (!begins) {
    const own = record(layers[0]?.config);
    const shape =
      own.batch_shape ??
      own.batch_input_shape ??
      config.build_input_shape ??
      record(model.build_config).input_shape;
    const dtype = layers[0]?.class_name === "Embedding" ? "int32" : own.dtype;
    byName.set(first, { class_name: "InputLayer", config: { batch_shape: shape, dtype } });
  }
  const rest = layers.map((layer, i) => ({ layer, i })).slice(begins ? 1 : 0);
  const saved = savedNames(rest.map(({ layer }) => layer));
  let before = new Ref(first, 0, 0);
  const calls = rest.map(({ layer, i }, k) => {
    const call: Inbound = { args: [before], kwargs: {} };
    before = new Ref(named[i], 0, 0);
    return { layer, name: named[i], saved: saved[k], node: 0, call };
  });
  return { byName, inputs: [first], outputs: [before], calls: () => calls };
}

/** In the file's order where that can be, each call after those it reads from (Kahn 1962). */
function ordered(
  calls: readonly LayerCall[],
  given: ReadonlySet<string>,
  file: string,
): readonly LayerCall[] {
  const keyOf = ({ name, node }: LayerCall) => `${name}/${node}`;
  const known = new Set(calls.map(keyOf));
  const waiting = new Map<string, LayerCall[]>();
  const missing = new Map<LayerCall, number>();
  const ready: LayerCall[] = [];
  for (const call of calls) {
    const needs = new Set(refsOf(call.call).map((r) => `${r.layer}/${r.node}`));
    let open = 0;
    for (const key of needs) {
      if (given.has(key)) continue;
      if (!known.has(key))
        fail(
          "unreadable-model",
          `it reads from "${key}", which is not in the model`,
          file,
          `layer ${call.name}`,
        );
      open++;
      const list = waiting.get(key);
      if (list === undefined) waiting.set(key, [call]);
      else list.push(call);
    }
    missing.set(call, open);
    if (open === 0) ready.push(call);
  }
  for (let i = 0; i < ready.length; i++)
    for (const next of waiting.get(keyOf(ready[i])) ?? []) {
      const open = (missing.get(next) ?? 0) - 1;
      missing.set(next, open);
      if (open === 0) ready.push(next);
    }
  const stuck = calls.find((call) => (missing.get(call) ?? 0) > 0);
  if (stuck !== undefined)
    fail(
      "unreadable-model",
      "the model is a cycle: it depends on itself",
      file,
      `layer ${stuck.name}`,
    );
  return ready;
}

/** Keras 3 names containers of weights by class: conv2d, conv2d_1, … */
export function savedNames(layers: readonly JsonRecord[]): readonly string[] {
  const used = new Map<string, number>();
  return layers.map((layer) => {
    if (isOperation(layer)) return "";
    const name = snakeCase(text(layer.class_name));
    const count = used.get(name);
    used.set(name, (count ?? -1) + 1);
    return count === undefined ? name : `${name}_${count + 1}`;
  });
}

/** keras.src.utils.naming.to_snake_case */
const snakeCase = (name: string): string =>
  name
    .replace(/\W+/g, "")
    .replace(/(.)([A-Z][a-z]+)/g, "$1_$2")
    .replace(/([a-z])([A-Z])/g, "$1_$2")
    .toLowerCase();
