import { fold } from "../compile/fold.ts";
import { describeLayer, type Layer, layersUpTo, typeOf } from "../explain/layers.ts";
import {
  describeWeights,
  type WeightLayer,
  weightLayersOf,
  weightsOnly,
} from "../explain/weightLayers.ts";
import type { Model } from "../formats/model.ts";
import { constantOf, type Graph, isConstant, type Value } from "../ir/graph.ts";
import { size, type Tensor } from "../ir/tensor.ts";
import { byGate, byInput, byUnit, lastUnit, type Rows } from "./rows.ts";

/** A layer as the comparison sees it, whatever its format. */
export interface SideLayer {
  readonly name: string;
  /** Layers of one kind can be the same one: "Conv", "dense", "LSTM"; WEIGHTS can be of any. */
  readonly kind: string;
  readonly summary: string;
  readonly units: number;
  /** What follows it unit by unit: "BatchNormalization Relu". */
  readonly after: string;
  /** Absent where the weights have another form than the operator's usual one. */
  readonly rows?: Rows;
  /** Weights that the units of a recurrent layer have for each other. */
  readonly inner?: Rows;
  /** Parameters of each unit by what they are: bias, normalisation, slope. */
  readonly own: ReadonlyMap<string, Own>;
  /** Of a model with a graph. */
  readonly layer?: Layer;
  /** The stored tensors that it is made of. */
  readonly stored: ReadonlySet<Value>;
}

/** `count` numbers for every unit, unit by unit. */
export interface Own {
  readonly values: ArrayLike<number>;
  readonly count: number;
}

/** One of the two models, with its weights in memory. */
export interface Side {
  readonly model: Model;
  readonly graph: Graph;
  readonly layers: readonly SideLayer[];
}

export function sideOf(model: Model): Side {
  const { graph } = model;
  const layers = weightsOnly(graph)
    ? weightLayersOf(graph).map((layer) => ofWeights(layer, graph))
    : layersUpTo(graph, model.ownOutputs ?? graph.outputs.length).map(ofGraph);
  return { model, graph, layers };
}

/** The kind of layers that are known by their weights alone. */
export const WEIGHTS = "weights";

const RECURRENT: ReadonlySet<string> = new Set(["LSTM", "GRU", "RNN"]);

function ofGraph(layer: Layer): SideLayer {
  const { node, after, units, name, composed } = layer;
  const op = typeOf(node);
  const recurrent = RECURRENT.has(op);
  const weights = tensorOf(layer.weights);
  const inner = recurrent ? tensorOf(node.inputs[2]) : undefined;
  const rows = weights === undefined ? {} : rowsOf(layer, weights);
  const { own, used } = ownOf(layer);
  return {
    name,
    kind: op === "Gemm" || op === "MatMul" ? "dense" : op,
    summary: describeLayer(layer),
    units,
    after: [...after.map(typeOf).filter((t) => t !== "Add"), composed].filter(Boolean).join(" "),
    ...rows,
    ...(inner === undefined ? {} : { inner: byGate(inner, units) }),
    own,
    layer,
    stored: constantsOf([
      ...used,
      ...(rows.rows === undefined ? [] : [layer.weights]),
      ...(inner === undefined ? [] : [node.inputs[2]]),
    ]),
  };
}

function rowsOf({ node, units }: Layer, weights: Tensor): { readonly rows?: Rows } {
  const op = typeOf(node);
  const { group = 1, transB } = node.attrs as { group?: number; transB?: number };
  const rows = RECURRENT.has(op)
    ? byGate(weights, units)
    : op === "Conv"
      ? byUnit(weights, group)
      : op === "ConvTranspose"
        ? byInput(weights, group)
        : weights.shape.length !== 2
          ? undefined
          : transB === 1
            ? byUnit(weights)
            : byInput(weights);
  return rows?.units === units ? { rows } : {};
}

/** Parameters of the units, and the values that they are. */
function ownOf({ node, after, units }: Layer): {
  readonly own: ReadonlyMap<string, Own>;
  readonly used: readonly Value[];
} {
  const own = new Map<string, Own>();
  const used: Value[] = [];
  const add = (role: string, value: Value | undefined, recurrent = false) => {
    const tensor = tensorOf(value);
    const found = tensor && (recurrent ? perUnit(tensor, units) : spread(tensor, units));
    if (value === undefined || found === undefined) return;
    used.push(value);
    own.set(role, sum(own.get(role), found));
  };
  const recurrent = RECURRENT.has(typeOf(node));
  add("bias", node.inputs[recurrent ? 3 : 2], recurrent);
  if (recurrent) add("peephole", node.inputs[7], true);
  let biased = true;
  for (const [k, n] of after.entries()) {
    const type = typeOf(n);
    // A bias may be the convolution's own or an Add behind it.
    const role = type === "Add" && biased ? "bias" : `${type} ${k}`;
    if (type !== "Add") biased = false;
    if (type === "Clip") continue;
    n.inputs.forEach((value, i) => {
      add(
        type === "BatchNormalization" ? `${role} ${i}` : role,
        isConstant(value) ? value : undefined,
      );
    });
  }
  return { own, used };
}

const sum = (a: Own | undefined, b: Own): Own =>
  a === undefined
    ? b
    : { count: b.count, values: Float64Array.from(b.values, (v, i) => v + a.values[i]) };

/** One number for each unit, or one for all. */
function spread({ shape, data }: Tensor, units: number): Own | undefined {
  const count = size(shape);
  if (count === units) return { values: data, count: 1 };
  return count === 1 ? { values: new Float64Array(units).fill(data[0]), count: 1 } : undefined;
}

/** [directions, gates · units] → unit by unit. */
function perUnit({ data }: Tensor, units: number): Own {
  const count = data.length / units;
  const values = new Float64Array(data.length);
  for (let i = 0; i < data.length; i++)
    values[(i % units) * count + Math.floor(i / units)] = data[i];
  return { values, count };
}

/** Weights that are laid out or put together from stored ones are worked out. */
function tensorOf(value: Value | undefined): Tensor | undefined {
  if (value === undefined || !isConstant(value)) return undefined;
  return constantOf(value) ?? constantOf(fold({ inputs: [], outputs: [value] }).outputs[0]);
}

/** The stored tensors that values are computed from. */
export function constantsOf(values: readonly (Value | undefined)[]): ReadonlySet<Value> {
  const found = new Set<Value>();
  const open = values.filter((v): v is Value => v !== undefined && isConstant(v));
  for (let value = open.pop(); value !== undefined; value = open.pop()) {
    if (constantOf(value) !== undefined) found.add(value);
    else for (const v of value.node.inputs) if (v !== undefined) open.push(v);
  }
  return found;
}

function ofWeights(layer: WeightLayer, graph: Graph): SideLayer {
  const { name, weights, units, axis, companions } = layer;
  const value = graph.outputs.find((v) => constantOf(v) === weights);
  const module = new Map(graph.outputs.map((v) => [v.node.name, v]));
  const own = new Map<string, Own>();
  const stored = new Set<Value>(value === undefined ? [] : [value]);
  for (const companion of companions)
    for (const path of [`${name}.${companion}`, `${name}/${companion}`, `${name}/${companion}:0`]) {
      const other = module.get(path);
      const tensor = constantOf(other);
      if (other === undefined || tensor === undefined || size(tensor.shape) !== units) continue;
      own.set(companion, { values: tensor.data, count: 1 });
      stored.add(other);
    }
  return {
    name,
    kind: WEIGHTS,
    summary: describeWeights(layer),
    units,
    after: "",
    rows: axis === 0 ? byUnit(weights) : lastUnit(weights),
    own,
    stored,
  };
}
