import type { Node, Value } from "../ir/graph.ts";
import type { Tensor } from "../ir/tensor.ts";
import { carry, type Definition, type Example, need, type Operator, operator } from "./operator.ts";

/** Defines an operator that maps each element by itself: shape, evaluation and channel rule follow. */
export function unary<A extends object>(
  definition: Pick<Definition<A>, "type" | "gradient"> & {
    of(x: number, attrs: A): number;
    examples?: readonly Example<NoInfer<A>>[];
  },
): Operator<A> {
  const { type, gradient, of } = definition;
  return operator<A>({
    type,
    gradient,
    infer: (inputs) => {
      const { dtype, shape } = need(inputs, 0, type);
      return [{ dtype, shape }];
    },
    evaluate: ([x], attrs, [t]) => [mapTensor(x!, t, (v) => of(v, attrs))],
    channels: (_node, _input, axis) => carry(axis),
    examples: definition.examples ?? [{ inputs: [[2, 3]], attrs: {} as A }],
  });
}

const mapTensor = (
  x: Tensor,
  t: Pick<Tensor, "dtype" | "shape">,
  f: (v: number) => number,
): Tensor => ({
  dtype: t.dtype,
  shape: t.shape,
  data: Float64Array.from(x.data, f),
});

/** The output of the node whose gradient is being built. */
export const outputOf = (node: Pick<Node, "outputs">): Value => node.outputs[0];
