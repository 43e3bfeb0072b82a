import { ACTIVATIONS, type Layer, layersOf, typeOf } from "../explain/layers.ts";
import {
  constant,
  constantOf,
  type Graph,
  isConstant,
  type Node,
  topological,
  type Value,
} from "../ir/graph.ts";
import { rebuild } from "../ir/rewrite.ts";
import { isFloat, sameShape, size, type Tensor } from "../ir/tensor.ts";

/** The dense layers behind the last feature layer, all parameters, or those of some layers by name. */
export type Trainable = "head" | "all" | readonly string[];

/** A stored tensor that is trained; several constants of the graph may stand for it. */
export interface Parameter {
  /** The file's name. */
  readonly name: string;
  readonly tensor: Tensor;
  readonly constants: readonly Value[];
}

/** The layers that were asked for cannot be trained, and why. */
export class NotTrainable extends Error {}

/** Operands that are parameters wherever they are constant. The statistics of BatchNormalization are not. */
const OPERANDS: Readonly<Record<string, readonly number[]>> = {
  Conv: [1, 2],
  ConvTranspose: [1, 2],
  Gemm: [0, 1, 2],
  MatMul: [0, 1],
  LSTM: [1, 2, 3, 7],
  GRU: [1, 2, 3],
  RNN: [1, 2, 3],
  BatchNormalization: [1, 2],
  LayerNormalization: [1, 2],
  InstanceNormalization: [1, 2],
  GroupNormalization: [1, 2],
  RMSNormalization: [1],
  PRelu: [1],
  Gather: [0],
};

/** Operands that are parameters behind a layer (biases, scales, positions), and preprocessing before it. */
const BEHIND_LAYERS: ReadonlySet<string> = new Set(["Add", "Mul", "Concat"]);

/** Layers whose units are features of places or times, and not of the whole sample. */
const FEATURES: ReadonlySet<string> = new Set(["Conv", "ConvTranspose", "LSTM", "GRU", "RNN"]);

/** The parameters of a choice of layers, in the order of the graph. Throws NotTrainable. */
export function parametersOf(graph: Graph, choice: Trainable): readonly Parameter[] {
  const nodes = choice === "all" ? undefined : nodesOf(graph, choice);
  const found = new Map<string, Tensor>();
  const behind = new Set<Node>();
  for (const node of topological(graph.outputs)) {
    const type = typeOf(node);
    const layer = Object.hasOwn(OPERANDS, type);
    const before = node.inputs.some((v) => v !== undefined && behind.has(v.node));
    if (before || layer) behind.add(node);
    if (nodes !== undefined && !nodes.has(node)) continue;
    const own = nodes !== undefined && !ACTIVATIONS.has(type);
    node.inputs.forEach((operand, i) => {
      if (operand === undefined || !isConstant(operand)) return;
      const known = OPERANDS[type]?.includes(i) ?? false;
      const loose = BEHIND_LAYERS.has(type) && (own || before);
      if (!known && !loose) return;
      // A single number in a product is a factor of a formula, such as that of Gelu.
      for (const { name, tensor } of storedIn(operand))
        if (known || size(tensor.shape) > 1) found.set(name, tensor);
    });
  }
  if (found.size === 0)
    throw new NotTrainable("it has no parameters there that are stored as such");
  return withConstants(graph, found);
}

function withConstants(graph: Graph, found: ReadonlyMap<string, Tensor>): Parameter[] {
  const constants = new Map<string, Value[]>([...found.keys()].map((name) => [name, []]));
  for (const node of topological(graph.outputs))
    if (node.operator === "constant") constants.get(node.name)?.push(node.outputs[0]);
  return [...found].map(([name, tensor]) => {
    const same = constants.get(name)!;
    if (same.some((v) => !sameShape(v.shape, tensor.shape)))
      throw new NotTrainable(`tensor ${name} is read in different shapes`);
    return { name, tensor, constants: same };
  });
}

/** The stored float tensors that a constant value is computed from; quantised ones are not trained. */
function storedIn(value: Value): readonly { name: string; tensor: Tensor }[] {
  const nodes = topological([value]);
  if (nodes.some((n) => /^(Dequantize|Quantize)Linear$/.test(typeOf(n)))) return [];
  return nodes.flatMap(({ name, outputs: [v] }) => {
    const tensor = constantOf(v);
    return tensor === undefined || name === "" || !isFloat(tensor.dtype) ? [] : [{ name, tensor }];
  });
}

function nodesOf(graph: Graph, choice: "head" | readonly string[]): ReadonlySet<Node> {
  const layers = layersOf(graph);
  const chosen = choice === "head" ? headOf(graph, layers) : named(layers, choice);
  return new Set(chosen.flatMap((l) => [l.node, ...l.after]));
}

function named(layers: readonly Layer[], names: readonly string[]): readonly Layer[] {
  return names.map((name) => {
    const found = layers.find((l) => l.name === name);
    if (found === undefined)
      throw new NotTrainable(
        `there is no layer ${name}; there are ${layers.map((l) => l.name).join(", ")}`,
      );
    return found;
  });
}

/** The dense layers of whole samples that no feature layer comes behind. */
function headOf(graph: Graph, layers: readonly Layer[]): readonly Layer[] {
  const dense = (l: Layer) => !FEATURES.has(typeOf(l.node)) && l.node.outputs[0].shape.length === 2;
  const leading = new Set<Node>();
  const features = new Set(layers.filter((l) => !dense(l)).map((l) => l.node));
  for (const node of topological(graph.outputs).reverse()) {
    // Everything that a feature layer is computed from.
    if (features.has(node) || leading.has(node))
      for (const v of node.inputs) if (v !== undefined) leading.add(v.node);
  }
  const head = layers.filter((l) => dense(l) && !leading.has(l.node));
  if (head.length === 0)
    throw new NotTrainable(
      "no fully connected layer comes behind its features; train all layers, or name some",
    );
  return head;
}

/** The graph with other numbers in its stored tensors, by name. */
export function withWeights(graph: Graph, weights: ReadonlyMap<string, Float32Array>): Graph {
  return rebuild(graph, (node) => {
    const tensor = constantOf(node.outputs[0]);
    const data = tensor === undefined ? undefined : weights.get(node.name);
    if (tensor === undefined || data === undefined) return undefined;
    if (data.length !== size(tensor.shape))
      throw new Error(`${data.length} weights for tensor ${node.name}`);
    return [constant({ dtype: tensor.dtype, shape: tensor.shape, data }, node.name)];
  }).graph;
}
