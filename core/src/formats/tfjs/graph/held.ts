import type { Value } from "../../../ir/graph.ts";
import type { Dim, Shape } from "../../../ir/tensor.ts";

/** What TensorFlow has for an output of a node: a tensor, or lengths that are known while reading. */
export type Given = Held | Sizes;

/**
 * A tensor whose axes may stand in another order than TensorFlow has them: images are held channels first,
 * and transposing costs nothing until somebody needs the order.
 */
export interface Held {
  readonly kind: "tensor";
  readonly value: Value;
  /** Axis h of the value is axis order[h] in TensorFlow. */
  readonly order: readonly number[];
  /**
   * By TensorFlow's axis: it stands for the tensor cut into blocks (SpaceToBatchND), which a convolution
   * that follows turns into dilation.
   */
  readonly blocks?: Blocks | undefined;
}

export type Blocks = readonly (Block | undefined)[];

export interface Block {
  readonly size: number;
  /** Zeros before and after the axis. */
  readonly before: number;
  readonly after: number;
}

/** A shape, or a part of one: a vector or a scalar of lengths, some of them symbolic. */
export interface Sizes {
  readonly kind: "sizes";
  readonly entries: readonly SizeEntry[];
  readonly scalar: boolean;
}

export interface SizeEntry {
  readonly dim: Dim;
  /** The element of a stored constant that says so. */
  readonly from?: { readonly tensor: string; readonly index: number } | undefined;
}

export const identity = (rank: number): readonly number[] =>
  Array.from({ length: rank }, (_, i) => i);

/** Channels first, of what TensorFlow has channels last. */
export const channelsFirst = (rank: number): readonly number[] => [
  0,
  rank - 1,
  ...identity(rank - 2).map((i) => i + 1),
];

export const isIdentity = (order: readonly number[]): boolean => order.every((a, h) => a === h);

/** In TensorFlow's order. */
export const shapeOf = ({ value, order }: Held): Shape =>
  order.map((_, axis) => value.shape[order.indexOf(axis)]);

export const rankOf = ({ order }: Held): number => order.length;

/** The value as it is. */
export const plain = (value: Value): Held => ({
  kind: "tensor",
  value,
  order: identity(value.shape.length),
});

export const ordered = (value: Value, order: readonly number[]): Held => ({
  kind: "tensor",
  value,
  order,
});

/** Where TensorFlow's axis is held. */
export const heldAxis = ({ order }: Pick<Held, "order">, axis: number): number =>
  order.indexOf(axis);
