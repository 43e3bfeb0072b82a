import * as tf from "@tensorflow/tfjs-core";
import { size } from "#core/ir/tensor.ts";

/** Axes that WebAssembly has fast code for. */
const FAST = 4;

/** A transpose; axes that stay together are merged first, and many are moved one by one. */
export function transposed(x: tf.Tensor, perm: readonly number[]): tf.Tensor {
  const groups: number[][] = [];
  for (const axis of perm) {
    const group = groups.at(-1);
    if (group !== undefined && group.at(-1) === axis - 1) group.push(axis);
    else groups.push([axis]);
  }
  const inOrder = [...groups].sort((a, b) => a[0]! - b[0]!);
  const merged = inOrder.map((group) => size(group.map((a) => x.shape[a]!)));
  const order = groups.map((group) => inOrder.indexOf(group));
  const shape = perm.map((a) => x.shape[a]!);
  const moved =
    order.length <= FAST ? tf.transpose(tf.reshape(x, merged), order) : inSteps(x, merged, order);
  return tf.reshape(moved, shape);
}

/** Each axis in turn is brought forward to its place, past all that stand between. */
function inSteps(x: tf.Tensor, lengths: readonly number[], order: readonly number[]): tf.Tensor {
  const standing = lengths.map((n, axis) => ({ n, axis }));
  const total = (from: number, to: number) => size(standing.slice(from, to).map(({ n }) => n));
  let moved = x;
  order.forEach((wanted, place) => {
    const at = standing.findIndex(({ axis }) => axis === wanted);
    if (at === place) return;
    const blocks = [total(0, place), total(place, at), standing[at]!.n, total(at + 1, Infinity)];
    moved = tf.transpose(tf.reshape(moved, blocks), [0, 2, 1, 3]);
    standing.splice(place, 0, ...standing.splice(at, 1));
  });
  return moved;
}

/**
 * Repetition of axes of length 1, up to the shape `to`. Neighbouring axes that are all repeated, or all
 * not, are one; floating-point numbers are multiplied by ones, which is much faster than Tile.
 */
export function repeated(x: tf.Tensor, from: readonly number[], to: readonly number[]): tf.Tensor {
  const own: number[] = [];
  const repeats: number[] = [];
  from.forEach((n, d) => {
    const times = n === to[d] ? 1 : to[d]!;
    const before = own.length - 1;
    if (n === 1 && times > 1 && before >= 0 && own[before] === 1) repeats[before]! *= times;
    else if (times === 1 && before >= 0 && repeats[before] === 1) own[before]! *= n;
    else {
      own.push(n);
      repeats.push(times);
    }
  });
  const narrow = tf.reshape(x, own);
  const wide = x.dtype === "float32" ? tf.mul(narrow, tf.ones(repeats)) : tf.tile(narrow, repeats);
  return tf.reshape(wide, [...to]);
}
