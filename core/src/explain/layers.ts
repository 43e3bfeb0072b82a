import {
  consumers,
  type Graph,
  isConstant,
  type Node,
  topological,
  type Value,
} from "../ir/graph.ts";
import { isFloat, known, size } from "../ir/tensor.ts";
import { moduleName } from "./layerNames.ts";

/** A layer: an affine map with parameters, and what follows it unit by unit up to its activation. */
export interface Layer {
  /** Module path from the initialisers' names ("conv1"), else the node's name; unique in the model. */
  readonly name: string;
  /** The affine node: Conv, Gemm or MatMul. */
  readonly node: Node;
  readonly units: number;
  /** Bias Add, BatchNormalization, activation: in order. */
  readonly after: readonly Node[];
  /** a: the activation of the units, [N, units, …] (Conv) or [N, …, units]. */
  readonly activation: Value;
  /** Axis of the units in `activation`. */
  readonly axis: number;
  /** Weights of the affine map. */
  readonly weights: Value;
  /** Whether the units are the outputs of the model: they are what is explained, never pruned. */
  readonly output: boolean;
}

export const ACTIVATIONS: ReadonlySet<string> = new Set(["Relu", "Sigmoid", "Tanh", "Clip"]);

export const typeOf = (node: Node): string =>
  typeof node.operator === "string" ? node.operator : node.operator.type;

/** The layers of a graph, in topological order. */
export function layersOf(graph: Graph): readonly Layer[] {
  const uses = consumers(graph);
  const names = new Map<string, number>();
  return topological(graph.outputs).flatMap((node) => {
    const weights = weightsOf(node);
    if (weights === undefined) return [];
    const after = follow(node.outputs[0], uses, graph);
    const activation = (after.at(-1) ?? node).outputs[0];
    const axis = typeOf(node) === "Conv" ? 1 : activation.shape.length - 1;
    const units = activation.shape[axis];
    if (typeof units !== "number") return [];
    const name = unique(moduleName(node, after, weights), names);
    return [
      {
        name,
        node,
        units,
        after,
        activation,
        axis,
        weights,
        output: isOutput(activation, uses, graph),
      },
    ];
  });
}

/** The constant weights of an affine node; undefined for every other node. */
function weightsOf(node: Node): Value | undefined {
  if (!["Conv", "Gemm", "MatMul"].includes(typeOf(node))) return undefined;
  const weights = node.inputs[1];
  return isConstant(weights) ? weights : undefined;
}

/** Bias Add, BatchNormalization and then one activation, as long as nothing else reads the values. */
function follow(from: Value, uses: ReadonlyMap<Value, readonly Node[]>, graph: Graph): Node[] {
  const after: Node[] = [];
  for (let value = from; ; ) {
    const [next, ...others] = uses.get(value) ?? [];
    if (next === undefined || others.length > 0 || graph.outputs.includes(value)) return after;
    const type = typeOf(next);
    const biased = type === "Add" && next.inputs.some(isConstant);
    if (!biased && type !== "BatchNormalization" && !ACTIVATIONS.has(type)) return after;
    after.push(next);
    value = next.outputs[0];
    if (ACTIVATIONS.has(type)) return after;
  }
}

/** Reaches an output of the graph through nothing but a final Softmax, Identity or reshaping. */
function isOutput(value: Value, uses: ReadonlyMap<Value, readonly Node[]>, graph: Graph): boolean {
  if (graph.outputs.includes(value)) return true;
  return (uses.get(value) ?? []).some(
    (node) =>
      ["Softmax", "Sigmoid", "Identity", "Reshape", "Flatten", "Dropout"].includes(typeOf(node)) &&
      node.inputs[0] === value &&
      isOutput(node.outputs[0], uses, graph),
  );
}

function unique(name: string, names: Map<string, number>): string {
  const count = (names.get(name) ?? 0) + 1;
  names.set(name, count);
  return count === 1 ? name : `${name}#${count}`;
}

/** "Conv 3x3  1 -> 32  Relu" */
export function describeLayer(layer: Layer): string {
  const [outer, inner] = widths(layer);
  const kernel = typeOf(layer.node) === "Conv" ? ` ${layer.weights.shape.slice(2).join("x")}` : "";
  const after = layer.after.map(typeOf).filter((t) => t !== "Add");
  return [`${typeOf(layer.node)}${kernel}`, `${inner} -> ${outer}`, ...after].join("  ");
}

/** Units and inputs per unit. */
function widths({ node, weights, units }: Layer): [number, number] {
  const shape = weights.shape as readonly number[];
  if (typeOf(node) === "Conv") {
    const group = (node.attrs as { group?: number }).group ?? 1;
    return [units, shape[1] * group];
  }
  return [units, (shape.reduce((a, b) => a * b, 1) / units) | 0];
}

/** Weights, bias and the parameters of what follows, counted. */
export function parameterCount({ node, after }: Layer): number {
  let count = 0;
  for (const n of [node, ...after])
    for (const v of n.inputs) {
      if (v !== undefined && isConstant(v) && isFloat(v.dtype) && typeOf(n) !== "Clip")
        count += size(known(v.shape));
    }
  return count;
}
