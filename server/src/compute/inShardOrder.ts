/** What was merged so far: shards before `next`. */
export interface Merged<R> {
  readonly next: number;
  readonly sum: R;
}

/**
 * Merges partials in the order of their shards, whatever order they arrive in: sums are the same to the
 * last bit for any number of processes, and at most the early ones are kept waiting.
 * @param before goes on from there
 */
export function inShardOrder<R>(
  merge: (a: R, b: R) => R,
  before?: Merged<R>,
): {
  add(shard: number, partial: R): void;
  merged(): Merged<R> | undefined;
  result(): R;
} {
  const waiting = new Map<number, R>();
  let next = before?.next ?? 0;
  let sum = before === undefined ? undefined : { value: before.sum };
  return {
    add(shard, partial) {
      waiting.set(shard, partial);
      for (let p = waiting.get(next); waiting.has(next); p = waiting.get(next)) {
        waiting.delete(next++);
        sum = { value: sum === undefined ? (p as R) : merge(sum.value, p as R) };
      }
    },
    merged: () => (sum === undefined ? undefined : { next, sum: sum.value }),
    result() {
      if (sum === undefined || waiting.size > 0) throw new Error("partials are missing");
      return sum.value;
    },
  };
}
