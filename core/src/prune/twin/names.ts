import { type Layer, layersOf, typeOf } from "../../explain/layers.ts";
import { constantOf, type Graph, topological, type Value } from "../../ir/graph.ts";

/** What a model file stores of a tensor that has another name, or order of axes, in a module's state_dict. */
export interface StoredAs {
  /** The file's name. */
  readonly tensor: string;
  /** Axis i of the other is axis order[i] of the stored one. */
  readonly order: readonly number[];
  /** Follows from the layer's name, not from the tensor's own. */
  readonly byLayer: boolean;
  /** Axis of the layer's units in the other, where that is by layer. */
  readonly unitAxis: number;
}

/**
 * The stored tensors of a graph by the names that PyTorch gives them: their own, and where an exporter
 * renamed them ("onnx::Conv_123") those of the layer's module: "layer1.0.conv1.weight". Linear weights
 * are [out, in] there, whichever way round the file has them.
 */
export function moduleTensors(graph: Graph): ReadonlyMap<string, StoredAs> {
  const found = new Map<string, StoredAs>();
  for (const { operator, name, outputs } of topological(graph.outputs))
    if (operator === "constant" && name !== "")
      found.set(name, {
        tensor: name,
        order: identity(outputs[0].shape.length),
        byLayer: false,
        unitAxis: 0,
      });
  for (const layer of layersOf(graph))
    for (const [part, value] of parametersOf(layer)) {
      const name = `${moduleOf(layer)}.${part}`;
      const order = value && storedOrder(value);
      if (order === undefined || found.has(name)) continue;
      const linear = part === "weight" && isTransposed(layer);
      found.set(name, {
        tensor: order.tensor,
        order: linear ? order.order.toReversed() : order.order,
        byLayer: true,
        unitAxis: part === "weight" && typeOf(layer.node) === "ConvTranspose" ? 1 : 0,
      });
    }
  return found;
}

/** A layer that is used twice is the same module. */
export const moduleOf = ({ name }: Pick<Layer, "name">): string => name.replace(/#\d+$/, "");

/** Weight and bias of an affine layer; recurrent ones keep theirs in another form. */
export function parametersOf(layer: Layer): readonly (readonly [string, Value | undefined])[] {
  const { node, after, weights } = layer;
  if (!/^(Conv|ConvTranspose|Gemm|MatMul)$/.test(typeOf(node))) return [];
  const added = after
    .filter((n) => typeOf(n) === "Add")
    .flatMap((n) => n.inputs.filter((v) => v !== undefined && constantBehind(v) !== undefined));
  return [
    ["weight", weights],
    ["bias", node.inputs[2] ?? added[0]],
  ];
}

/** MatMul and Gemm have weights as [in, out], unless transB says otherwise. */
const isTransposed = ({ node, weights }: Layer): boolean =>
  weights.shape.length === 2 &&
  (typeOf(node) === "MatMul" ||
    (typeOf(node) === "Gemm" && (node.attrs as { transB?: number }).transB !== 1));

/** The stored tensor that a value is, perhaps transposed, and where each of its axes stands in it. */
export function storedOrder(
  value: Value,
): { readonly tensor: string; readonly order: readonly number[] } | undefined {
  let order = identity(value.shape.length);
  for (let v = value; ; ) {
    const { node } = v;
    if (constantOf(v) !== undefined)
      return node.name === "" || v.shape.length !== order.length
        ? undefined
        : { tensor: node.name, order };
    const [x] = node.inputs;
    if (x === undefined) return undefined;
    if (typeOf(node) === "Transpose") {
      const { perm } = node.attrs as { perm?: readonly number[] };
      const moved = perm ?? identity(x.shape.length).toReversed();
      order = order.map((axis) => moved[axis]);
    } else if (typeOf(node) !== "Identity") return undefined;
    v = x;
  }
}

const constantBehind = (value: Value): Value | undefined => {
  if (constantOf(value) !== undefined) return value;
  const [x] = value.node.inputs;
  return typeOf(value.node) === "Transpose" && x !== undefined ? constantBehind(x) : undefined;
};

const identity = (rank: number): readonly number[] => Array.from({ length: rank }, (_, i) => i);
