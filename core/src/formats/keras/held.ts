import type { Value } from "../../ir/graph.ts";
import type { Shape } from "../../ir/tensor.ts";
import { transpose } from "../../ops/transpose.ts";

/**
 * A tensor of a Keras model. Maps are channels last in Keras and channels first in the graph: such a
 * tensor is held with its last axis moved behind the batch, until something needs Keras's own order.
 */
export interface Held {
  readonly value: Value;
  /** Held with the last axis moved to axis 1. */
  readonly first: boolean;
  /** An Embedding or Masking layer has marked time steps in it, which layers that look at marks must obey. */
  readonly masked?: boolean;
}

export const isHeld = (value: unknown): value is Held =>
  typeof value === "object" && value !== null && "value" in value && "first" in value;

export const plain = (value: Value): Held => ({ value, first: false });

/** The shape as Keras has it. */
export function shapeOf({ value: { shape }, first }: Held): Shape {
  return first ? [shape[0], ...shape.slice(2), shape[1]] : shape;
}

/** The axis of the held value for an axis of Keras's, which may count from the end. */
export function axisIn({ value, first }: Held, axis: number): number {
  const rank = value.shape.length;
  const own = axis < 0 ? axis + rank : axis;
  if (!first || own === 0) return own;
  return own === rank - 1 ? 1 : own + 1;
}

const lastToFirst = (rank: number): readonly number[] =>
  Array.from({ length: rank }, (_, i) => (i === 0 ? 0 : i === 1 ? rank - 1 : i - 1));
const firstToLast = (rank: number): readonly number[] =>
  Array.from({ length: rank }, (_, i) => (i === 0 ? 0 : i === rank - 1 ? 1 : i + 1));

/** Turns tensors from one way of holding to the other, each at most once. */
export class Layouts {
  readonly #turned = new Map<Value, Value>();

  /** In Keras's order. */
  plain(held: Held): Value {
    return held.first ? this.#turn(held.value, firstToLast(held.value.shape.length)) : held.value;
  }

  /** Channels behind the batch. */
  first(held: Held): Value {
    const rank = held.value.shape.length;
    return held.first || rank < 3 ? held.value : this.#turn(held.value, lastToFirst(rank));
  }

  #turn(value: Value, perm: readonly number[]): Value {
    const known = this.#turned.get(value);
    if (known !== undefined) return known;
    const turned = transpose.node({ perm }, [value], `${value.node.name}/layout`).outputs[0];
    this.#turned.set(value, turned);
    this.#turned.set(turned, value);
    return turned;
  }
}
