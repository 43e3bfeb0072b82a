import { consumers, type Graph, isConstant, type Node, nodesOf, type Value } from "../ir/graph.ts";
import { isFloat, known, sameShape, size } from "../ir/tensor.ts";
import { layerNames } from "./layerNames.ts";
import { unitwise } from "./unitwise.ts";

/** A layer: an affine map with parameters, and what follows it unit by unit up to its activation. */
export interface Layer {
  /** Module path from the initialisers' names ("conv1"), else the node's name; unique in the model. */
  readonly name: string;
  /** The affine node (Conv, ConvTranspose, Gemm, MatMul), or the recurrent one (LSTM, GRU, RNN). */
  readonly node: Node;
  readonly units: number;
  /** Bias Add, scaling Mul, BatchNormalization, activation: in order. */
  readonly after: readonly Node[];
  /** The activation, where it is written as several nodes: "Gelu", "Silu"; else "". */
  readonly composed: string;
  /** a: the activation of the units, [N, units, …] (convolutions) or [N, …, units]. */
  readonly activation: Value;
  /** Axis of the units in `activation`. */
  readonly axis: number;
  /** Weights of the affine map. */
  readonly weights: Value;
  /** Whether the units are the outputs of the model: they are what is explained, never pruned. */
  readonly output: boolean;
}

/** Operators that act on each unit by itself, and end a layer. */
export const ACTIVATIONS: ReadonlySet<string> = new Set(
  "Relu Sigmoid Tanh Clip LeakyRelu PRelu ThresholdedRelu Elu Selu Celu Gelu Mish HardSigmoid HardSwish Softplus Softsign".split(
    " ",
  ),
);

export const typeOf = (node: Node): string =>
  typeof node.operator === "string" ? node.operator : node.operator.type;

const CONVOLUTIONS: ReadonlySet<string> = new Set(["Conv", "ConvTranspose"]);
/** Their units are the hidden ones; their activation is what they give over time. */
const RECURRENT: ReadonlySet<string> = new Set(["LSTM", "GRU", "RNN"]);
const LAYERS: ReadonlySet<string> = new Set([...CONVOLUTIONS, "Gemm", "MatMul", ...RECURRENT]);

/** The layers of a graph, in topological order. Looked for once: graphs do not change. */
export function layersOf(graph: Graph): readonly Layer[] {
  const layers = found.get(graph) ?? findLayers(graph);
  found.set(graph, layers);
  return layers;
}

const found = new WeakMap<Graph, readonly Layer[]>();

/**
 * The same of a graph that was read in part, of which only the first `own` outputs are the model's: the
 * units where it ends are no outputs.
 */
export function layersUpTo(graph: Graph, own: number): readonly Layer[] {
  const layers = layersOf(graph);
  if (own === graph.outputs.length) return layers;
  const outputs = graph.outputs.slice(0, own);
  const uses = consumers(graph);
  return layers.map((l) => ({ ...l, output: isOutput(l.activation, uses, outputs) }));
}

function findLayers(graph: Graph): readonly Layer[] {
  const uses = consumers(graph);
  const layers = nodesOf(graph).flatMap((node) => {
    const weights = weightsOf(node);
    if (weights === undefined) return [];
    const { after, composed, activation } = follow(resultOf(node, uses, graph), uses, graph);
    const axis = CONVOLUTIONS.has(typeOf(node)) ? 1 : activation.shape.length - 1;
    const units = activation.shape[axis];
    if (typeof units !== "number") return [];
    return [
      {
        node,
        units,
        after,
        composed,
        activation,
        axis,
        weights,
        output: isOutput(activation, uses, graph.outputs),
      },
    ];
  });
  const names = layerNames(layers);
  return layers.map((layer, i) => ({ name: names[i], ...layer }));
}

/** The constant weights of an affine node; undefined for every other node. */
function weightsOf(node: Node): Value | undefined {
  if (!LAYERS.has(typeOf(node))) return undefined;
  const weights = node.inputs[1];
  return isConstant(weights) ? weights : undefined;
}

/** What the units give; of a recurrent node that only its last state is read of, that. */
function resultOf(
  node: Node,
  uses: ReadonlyMap<Value, readonly Node[]>,
  { outputs }: Graph,
): Value {
  const read = (v: Value) => uses.has(v) || outputs.includes(v);
  return (RECURRENT.has(typeOf(node)) ? node.outputs.find(read) : undefined) ?? node.outputs[0];
}

type Followed = Pick<Layer, "after" | "composed" | "activation">;

/** Bias Add, scaling, BatchNormalization and then one activation, as long as nothing else reads the values. */
function follow(from: Value, uses: ReadonlyMap<Value, readonly Node[]>, graph: Graph): Followed {
  const after: Node[] = [];
  for (let value = from; ; ) {
    const end = { after, composed: "", activation: value };
    const [next, ...others] = uses.get(value) ?? [];
    if (next === undefined || graph.outputs.includes(value)) return end;
    if (others.length > 0) {
      const found = unitwise(value, uses, graph.outputs);
      return found === undefined ? end : { after, composed: found.name, activation: found.value };
    }
    const type = typeOf(next);
    const affine =
      (type === "Add" || type === "Mul") &&
      next.inputs.some(isConstant) &&
      sameShape(next.outputs[0].shape, value.shape);
    if (!affine && type !== "BatchNormalization" && !ACTIVATIONS.has(type)) return end;
    after.push(next);
    value = next.outputs[0];
    if (ACTIVATIONS.has(type)) return { ...end, activation: value };
  }
}

/** Reaches an output of the graph through nothing but a final Softmax, Identity or reshaping. */
function isOutput(
  value: Value,
  uses: ReadonlyMap<Value, readonly Node[]>,
  outputs: readonly Value[],
): boolean {
  if (outputs.includes(value)) return true;
  return (uses.get(value) ?? []).some(
    (node) =>
      ["Softmax", "Sigmoid", "Identity", "Reshape", "Flatten", "Dropout"].includes(typeOf(node)) &&
      node.inputs[0] === value &&
      isOutput(node.outputs[0], uses, outputs),
  );
}

/** The layers that lead to the values through no other layer, in the order of the graph. */
export function layersBefore(values: readonly Value[], layers: readonly Layer[]): readonly Layer[] {
  const owners = new Map(
    layers.flatMap((l) =>
      [l.node, ...l.after, l.activation.node].map((node) => [node, l] as const),
    ),
  );
  const found = new Set<Layer>();
  const seen = new Set<Node>();
  const open = values.map((v) => v.node);
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (seen.has(node)) continue;
    seen.add(node);
    const owner = owners.get(node);
    if (owner !== undefined) found.add(owner);
    else for (const v of node.inputs) if (v !== undefined) open.push(v.node);
  }
  return layers.filter((l) => found.has(l));
}

/** "Conv 3x3  1 -> 32  Relu" */
export function describeLayer(layer: Layer): string {
  const [outer, inner] = widths(layer);
  const kernel = CONVOLUTIONS.has(typeOf(layer.node))
    ? ` ${layer.weights.shape.slice(2).join("x")}`
    : "";
  const after = layer.after.map(typeOf).filter((t) => t !== "Add" && t !== "Mul");
  if (layer.composed !== "") after.push(layer.composed);
  return [`${typeOf(layer.node)}${kernel}`, `${inner} -> ${outer}`, ...after].join("  ");
}

/** Units and inputs per unit. */
function widths({ node, weights, units }: Layer): [number, number] {
  const shape = weights.shape as readonly number[];
  const type = typeOf(node);
  if (type === "Conv") {
    const group = (node.attrs as { group?: number }).group ?? 1;
    return [units, shape[1] * group];
  }
  if (type === "ConvTranspose") return [units, shape[0]];
  if (RECURRENT.has(type)) return [units, shape[2]];
  return [units, (shape.reduce((a, b) => a * b, 1) / units) | 0];
}

/** Weights, bias and the parameters of what follows, counted. */
export function parameterCount({ node, after }: Layer): number {
  let count = 0;
  for (const n of [node, ...after])
    for (const v of n.inputs) {
      if (v === undefined || !isConstant(v) || !isFloat(v.dtype) || typeOf(n) === "Clip") continue;
      // A first state that is as long as the batch is filled in, not stored.
      if (v.shape.every((d) => typeof d === "number")) count += size(known(v.shape));
    }
  return count;
}
