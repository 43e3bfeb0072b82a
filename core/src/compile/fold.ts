import { constant, constantOf, type Graph, type Node, type Value } from "../ir/graph.ts";
import { again, rebuild } from "../ir/rewrite.ts";
import { type Dim, float32, known, size, type Tensor } from "../ir/tensor.ts";

/** A folded result may be this much larger than what it is computed from. */
const GROWTH = 4;
const SMALL = 4096;

/**
 * Replaces what depends on constants alone by its value (constant folding, by reference evaluation). The
 * value keeps the name of the tensor it was made from (its first operand), by which layers are called: a
 * folded graph is for running, not for finding what is stored.
 */
export const fold = (graph: Graph): Graph =>
  rebuild(graph, (node, inputs) => {
    const now = again(node, inputs);
    return foldNode(now) ?? now.outputs;
  }).graph;

/** The values of a node whose inputs are constants; undefined where they are not, or would take much room. */
export function foldNode(node: Node): readonly Value[] | undefined {
  const { operator, inputs, outputs, attrs } = node;
  if (typeof operator === "string") return undefined;
  if (SHAPES.has(operator.type) && inputs[0]?.shape.every(isNumber)) {
    const shape = known(inputs[0].shape);
    // The operator reads the shape alone.
    return evaluated(node, [{ dtype: inputs[0].dtype, shape, data: new Float64Array(0) }]);
  }
  const tensors = inputs.map(constantOf);
  if (tensors.some((t, i) => t === undefined && inputs[i] !== undefined)) return undefined;
  if (!outputs.every((v) => v.shape.every(isNumber))) return undefined;
  const before = tensors.reduce((n, t) => n + (t === undefined ? 0 : size(t.shape)), 0);
  const after = outputs.reduce((n, v) => n + size(known(v.shape)), 0);
  if (after > SMALL && after > GROWTH * before) return undefined;
  return evaluated(node, tensors);

  function evaluated(of: Node, given: readonly (Tensor | undefined)[]): readonly Value[] {
    const types = of.outputs.map(({ dtype, shape }) => ({ dtype, shape: known(shape) }));
    return (operator as Exclude<typeof operator, string>)
      .evaluate(given, attrs, types)
      .map((t): Value => constant(narrow(t), constantOf(inputs[0]) && inputs[0]?.node.name));
  }
}

const SHAPES: ReadonlySet<string> = new Set(["Shape", "Size"]);

const isNumber = (d: Dim): boolean => typeof d === "number";

const narrow = (t: Tensor): Tensor => (t.dtype === "float32" ? float32(t.shape, t.data) : t);
