import type { Node, Value } from "../ir/graph.ts";
import type { DType, Shape } from "../ir/tensor.ts";
import { broadcast, broadcastOffsets, broadcastRule, unbroadcast } from "./broadcast.ts";
import { sameDType } from "./check.ts";
import { type Definition, need, type Operator, operator } from "./operator.ts";

/** Defines an operator of any number of broadcast inputs of one element type, element by element. */
export function pointwise<A extends object>(
  definition: Pick<Definition<A>, "type" | "examples"> & {
    of(values: readonly number[], attrs: A, dtype: DType): number;
    /** Cotangents before un-broadcasting. */
    gradient: (ct: Value, inputs: readonly Value[], node: Node<A>) => readonly Value[];
    /** Throws InvalidNode where inputs or attributes do not fit; broadcasting is checked already. */
    fits?(inputs: readonly Value[], attrs: A): void;
  },
): Operator<A> {
  const { type, of, gradient, fits } = definition;
  return operator<A>({
    type,
    infer(inputs, attrs) {
      const first = need(inputs, 0, type);
      const all = inputs.map((_, i) => need(inputs, i, type));
      for (const v of all) sameDType(first, v, type);
      fits?.(all, attrs);
      const shape = all.reduce((s: Shape, v) => broadcast(s, v.shape, type), []);
      return [{ dtype: first.dtype, shape }];
    },
    evaluate(tensors, attrs, [{ dtype, shape }]) {
      const offsets = tensors.map((t) => broadcastOffsets(t!.shape, shape));
      const data = Float64Array.from(offsets[0], (_, i) =>
        of(
          tensors.map((t, k) => t!.data[offsets[k][i]]),
          attrs,
          dtype,
        ),
      );
      return [{ dtype, shape, data }];
    },
    gradient([ct], node) {
      const inputs = node.inputs as readonly Value[];
      return gradient(ct!, inputs, node).map((c, i) => unbroadcast(c, inputs[i]));
    },
    channels: (node, input, axis) => broadcastRule(node as unknown as Node, input, axis),
    examples: definition.examples,
  });
}
