/** What is known of the indices along one axis of a value: which carry the same, which do not change. */
export interface Lanes {
  readonly axis: number;
  /** For each index the first one that carries the same signal for every input. */
  readonly same: Int32Array;
  /** The signal, where it is one number for every input and at every position; else NaN. */
  readonly constant: Float64Array;
  /** Which signs the signal can be relied on to have: see `NOT_NEGATIVE`, `NOT_POSITIVE`. */
  readonly signs: Uint8Array;
}

export const NOT_NEGATIVE = 1;
export const NOT_POSITIVE = 2;

/** What differs by no more, relative to its size, is rounding. */
export const TOLERANCE = 1e-6;

export const signsOf = (value: number): number =>
  (value >= 0 ? NOT_NEGATIVE : 0) | (value <= 0 ? NOT_POSITIVE : 0);

/** Of a product, from those of its factors. */
export const product = (a: number, b: number): number => {
  const positive = (a & b & NOT_NEGATIVE) !== 0 || (a & b & NOT_POSITIVE) !== 0;
  const negative =
    ((a & NOT_NEGATIVE) !== 0 && (b & NOT_POSITIVE) !== 0) ||
    ((a & NOT_POSITIVE) !== 0 && (b & NOT_NEGATIVE) !== 0);
  return (positive ? NOT_NEGATIVE : 0) | (negative ? NOT_POSITIVE : 0);
};

export const negated = (signs: number): number =>
  ((signs & NOT_NEGATIVE) !== 0 ? NOT_POSITIVE : 0) |
  ((signs & NOT_POSITIVE) !== 0 ? NOT_NEGATIVE : 0);

/** Nothing is known: every index carries a signal of its own. */
export const unknownLanes = (axis: number, length: number): Lanes => ({
  axis,
  same: Int32Array.from({ length }, (_, i) => i),
  constant: new Float64Array(length).fill(Number.NaN),
  signs: new Uint8Array(length),
});

/** The first index with the same key; what has both signs is 0; equal constants are the same signal. */
export function lanesBy(
  axis: number,
  keys: readonly (string | number)[],
  constant: Float64Array,
  signs: Uint8Array,
): Lanes {
  for (let i = 0; i < constant.length; i++)
    if (signs[i] === (NOT_NEGATIVE | NOT_POSITIVE) && Number.isNaN(constant[i])) constant[i] = 0;
  const value = clusters(constant);
  const first = new Map<string | number, number>();
  const same = Int32Array.from(keys, (own, i) => {
    const key = Number.isNaN(constant[i]) ? own : `constant ${value[i]}`;
    const found = first.get(key) ?? i;
    first.set(key, found);
    return found;
  });
  for (let i = 0; i < same.length; i++)
    if (!Number.isNaN(constant[i])) signs[i] = signsOf(constant[i]);
  return { axis, same, constant, signs };
}

/** For each number the first index of those that are equal but for rounding; none equals NaN. */
export function clusters(values: Float64Array): Int32Array {
  const result = Int32Array.from(values, (_, i) => i);
  const order = Array.from(result)
    .filter((i) => !Number.isNaN(values[i]))
    .sort((a, b) => values[a] - values[b] || a - b);
  for (let from = 0, to = 0; from < order.length; from = to) {
    const head = values[order[from]];
    const near = (i: number) =>
      values[i] === head || Math.abs(values[i] - head) <= TOLERANCE * Math.abs(head);
    while (to < order.length && near(order[to])) to++;
    const members = order.slice(from, to);
    const first = members.reduce((a, b) => Math.min(a, b));
    for (const i of members) result[i] = first;
  }
  return result;
}
