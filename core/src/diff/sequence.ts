/** A place in one sequence and the place in another that it is. */
export type Pair = readonly [before: number, after: number];

/** The longest part of the pairs in which both places ascend (patience sorting). */
export function ascending(pairs: readonly Pair[]): readonly Pair[] {
  const sorted = [...pairs].sort((p, q) => p[0] - q[0] || q[1] - p[1]);
  /** The pair that ends the best chain of each length, and the pair before each. */
  const ends: number[] = [];
  const previous = new Int32Array(sorted.length).fill(-1);
  sorted.forEach(([, after], i) => {
    let [low, high] = [0, ends.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sorted[ends[middle]][1] < after) low = middle + 1;
      else high = middle;
    }
    if (low > 0) previous[i] = ends[low - 1];
    ends[low] = i;
  });
  const chain: Pair[] = [];
  for (let i = ends.at(-1) ?? -1; i >= 0; i = previous[i]) chain.push(sorted[i]);
  return chain.reverse();
}

/**
 * Pairs of equal keys, in order. Of keys that repeat, those between pairs that are certain are taken from
 * the front.
 */
export function equalPairs(before: ArrayLike<number>, after: ArrayLike<number>): readonly Pair[] {
  const places = singles(before);
  const certain: Pair[] = [];
  for (const [key, j] of singles(after)) {
    const i = places.get(key);
    if (i !== undefined && i >= 0 && j >= 0) certain.push([i, j]);
  }
  return gaps(ascending(certain), before.length, after.length).flatMap((gap) => {
    const own: Pair[] = [];
    let i = gap.before[0];
    for (let j = gap.after[0]; j < gap.after[1]; j++) {
      let k = i;
      while (k < gap.before[1] && before[k] !== after[j]) k++;
      if (k === gap.before[1]) continue;
      own.push([k, j]);
      i = k + 1;
    }
    return gap.pair === undefined ? own : [...own, gap.pair];
  });
}

/** What lies before a pair (or behind the last): [from, to) of both sequences. */
export interface Gap {
  readonly before: Pair;
  readonly after: Pair;
  readonly pair: Pair | undefined;
}

/** The stretches between ascending pairs, each with the pair that ends it. */
export function gaps(pairs: readonly Pair[], before: number, after: number): readonly Gap[] {
  let [i, j] = [0, 0];
  const found = pairs.map((pair): Gap => {
    const gap: Gap = { before: [i, pair[0]], after: [j, pair[1]], pair };
    [i, j] = [pair[0] + 1, pair[1] + 1];
    return gap;
  });
  return [...found, { before: [i, before], after: [j, after], pair: undefined }];
}

/** Keys with their places; -1 for those that repeat. */
function singles(keys: ArrayLike<number>): ReadonlyMap<number, number> {
  const found = new Map<number, number>();
  for (let i = 0; i < keys.length; i++) found.set(keys[i], found.has(keys[i]) ? -1 : i);
  return found;
}
