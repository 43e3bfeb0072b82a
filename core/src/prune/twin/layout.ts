import { size, strides, type Tensor } from "../../ir/tensor.ts";

/** Axis i of the twin's tensor is axis order[i] of the stored one. */
export type Order = readonly number[];

const MOST_AXES = 5;

/** Every order of axes by which one shape becomes the other. */
export function ordersOf(stored: readonly number[], twin: readonly number[]): readonly Order[] {
  if (stored.length !== twin.length) return [];
  const same = stored.map((_, i) => i);
  if (stored.length > MOST_AXES) return same.every((a) => stored[a] === twin[a]) ? [same] : [];
  const found: Order[] = [];
  const extend = (order: Order): void => {
    if (order.length === twin.length) found.push(order);
    else
      for (const axis of same)
        if (!order.includes(axis) && stored[axis] === twin[order.length]) extend([...order, axis]);
  };
  extend([]);
  return found;
}

/** Whether two tensors hold the same numbers in that order of axes. Both have their data in memory. */
export function holdsSame(stored: Tensor, twin: Tensor, order: Order): boolean {
  if (size(stored.shape) !== size(twin.shape)) return false;
  const steps = strides(stored.shape);
  const moved = order.map((axis) => steps[axis]);
  const at = new Array<number>(order.length).fill(0);
  let from = 0;
  for (let i = 0; i < twin.data.length; i++) {
    if (!same(twin.data[i], stored.data[from])) return false;
    for (let d = order.length - 1; d >= 0; d--) {
      from += moved[d];
      if (++at[d] < twin.shape[d]) break;
      from -= moved[d] * twin.shape[d];
      at[d] = 0;
    }
  }
  return true;
}

/** Files may store narrower types: half precision keeps 11 bits and goes down to 6e-8, bfloat16 keeps 8 bits. */
const ROUNDING = 2 ** -8;
const SMALLEST = 1e-7;

const same = (a: number, b: number): boolean =>
  Math.abs(a - b) <= SMALLEST + ROUNDING * Math.max(Math.abs(a), Math.abs(b));
