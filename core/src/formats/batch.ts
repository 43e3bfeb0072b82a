import {
  constant,
  constantOf,
  type Graph,
  input,
  isInput,
  type Node,
  type Value,
} from "../ir/graph.ts";
import { rebuild } from "../ir/rewrite.ts";
import { type Dim, int64, type Shape, sameShape } from "../ir/tensor.ts";
import { InvalidNode, type Operator } from "../ops/operator.ts";

export type Bound =
  | { readonly kind: "bound"; readonly graph: Graph; value(old: Value): Value }
  /** Why the model does not take a batch of that size, and where: "Reshape node Times212_reshape0". */
  | { readonly kind: "refused"; readonly because: string; readonly at: string };

class Refused extends Error {
  readonly at: string;
  constructor(because: string, at: string) {
    super(because);
    this.at = at;
  }
}

/**
 * The graph for a batch of a size or, by name, of any size. The leading length of the inputs is replaced
 * where it is 1 or symbolic, also in targets of Reshape: then each sample goes its own way as it did
 * alone. That is checked at every node: whatever led with the old batch leads with the new one, and
 * has no other length changed.
 */
export function bindBatch(graph: Graph, batch: Dim): Bound {
  const old = new Set<Dim>([1]);
  for (const { shape } of graph.inputs) if (typeof shape[0] === "string") old.add(shape[0]);
  const bound = (shape: Shape): Shape => (old.has(shape[0]) ? [batch, ...shape.slice(1)] : shape);
  /** The new values that lead with the batch. */
  const batched = new Set<Value>();

  const visit = (
    node: Node,
    inputs: readonly (Value | undefined)[],
  ): readonly Value[] | undefined => {
    if (node.operator === "constant") return undefined;
    if (node.operator === "input") {
      const [value] = node.outputs;
      if (!old.has(value.shape[0])) return undefined;
      const now = sameShape(bound(value.shape), value.shape)
        ? value
        : input(node.name, value.dtype, bound(value.shape));
      batched.add(now);
      return [now];
    }
    if (!inputs.some((v) => v !== undefined && batched.has(v))) return undefined;
    const { operator } = node;
    const at = `${operator.type} node ${node.name}`;
    const outputs = apply(node, operator, inputs, at);
    outputs.forEach((now, i) => {
      const before = node.outputs[i];
      if (!old.has(before.shape[0]) || !sameShape(now.shape, bound(before.shape)))
        throw new Refused(
          `a batch of ${batch} turns its result from [${before.shape.join(", ")}] into [${now.shape.join(", ")}]`,
          at,
        );
      batched.add(now);
    });
    return outputs;
  };

  const apply = (
    node: Node,
    operator: Operator,
    inputs: readonly (Value | undefined)[],
    at: string,
  ) => {
    if (mixesSamples(node, operator)) throw new Refused("it goes over the axis of the batch", at);
    const given = operator.type === "Reshape" ? reshaped(node, inputs) : inputs;
    if (given.every((v, i) => v === node.inputs[i])) return node.outputs;
    try {
      return operator.node(node.attrs, given, node.name).outputs;
    } catch (error) {
      if (error instanceof InvalidNode) throw new Refused(error.message, at);
      throw error;
    }
  };

  /** A target that leads with the old batch as a number gets the new one, or copies it. */
  const reshaped = (node: Node, inputs: readonly (Value | undefined)[]) => {
    const [x, shape, ...others] = inputs;
    const target = constantOf(shape);
    if (
      target === undefined ||
      target.data[0] !== 1 ||
      node.outputs[0].shape[0] !== 1 ||
      batch === 1
    )
      return inputs;
    const copies = ((node.attrs as { allowzero?: number }).allowzero ?? 0) === 0;
    const leading = typeof batch === "number" ? batch : copies ? 0 : -1;
    const numbers = Array.from(target.data).with(0, leading);
    return [x, constant(int64([numbers.length], numbers)), ...others];
  };

  try {
    const result = rebuild(graph, visit);
    const stray = result.graph.outputs.find((v) => !batched.has(v));
    if (stray !== undefined && !isInput(stray))
      return {
        kind: "refused",
        because: "it is an output that does not lead with the batch",
        at: stray.node.name,
      };
    return { kind: "bound", ...result };
  } catch (error) {
    if (error instanceof Refused) return { kind: "refused", because: error.message, at: error.at };
    throw error;
  }
}

/** Keeps every length and yet joins the samples: a Softmax over the leading axis. */
function mixesSamples({ attrs, outputs }: Node, { type }: Operator): boolean {
  if (type !== "Softmax" && type !== "LogSoftmax") return false;
  const axis = (attrs as { axis?: number }).axis ?? -1;
  const rank = outputs[0].shape.length;
  return (axis < 0 ? axis + rank : axis) === 0;
}
