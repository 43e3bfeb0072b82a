/**
 * Merges partials in the order of their shards, whatever order they arrive in: sums are the same to the
 * last bit for any number of processes, and at most the early ones are kept waiting.
 */
export function inShardOrder<R>(merge: (a: R, b: R) => R): {
  add(shard: number, partial: R): void;
  result(): R;
} {
  const waiting = new Map<number, R>();
  let next = 0;
  let sum: { value: R } | undefined;
  return {
    add(shard, partial) {
      waiting.set(shard, partial);
      for (let p = waiting.get(next); waiting.has(next); p = waiting.get(next)) {
        waiting.delete(next++);
        sum = { value: sum === undefined ? (p as R) : merge(sum.value, p as R) };
      }
    },
    result() {
      if (sum === undefined || waiting.size > 0) throw new Error("partials are missing");
      return sum.value;
    },
  };
}
