import type { ChangedUnit, UnitsDiff } from "#protocol/views/diff.ts";
import { Comparison } from "./comparison.ts";
import { sameNumbers } from "./print.ts";
import { equalPairs, gaps, type Pair } from "./sequence.ts";
import type { SideLayer } from "./side.ts";
import { similarPairs } from "./similar.ts";

/**
 * Which unit is which: those with the same numbers first, in order; between them by index where as many
 * are left on both sides, else by likeness where that leaves no doubt. Where weights cannot be compared no unit is
 * matched.
 * @param columns the inputs that both layers have; absent: not known
 */
export function matchUnits(
  a: SideLayer,
  b: SideLayer,
  columns: readonly Pair[] | undefined,
): UnitsDiff {
  if (isWhole(a, b, columns)) return unchanged(a.units);
  const unusual = a.rows === undefined && b.rows === undefined;
  // Weights of another form than the usual one are compared as tensors.
  if (unusual && a.units === b.units) return unchanged(a.units);
  const comparison = columns && Comparison.of(a, b, columns);
  const certain = comparison === undefined ? [] : equalPairs(...comparison.keys());
  const pairs: Pair[] = [];
  const removed: number[] = [];
  const added: number[] = [];
  const unmatched = { before: [] as number[], after: [] as number[] };
  for (const { before, after, pair } of gaps(certain, a.units, b.units)) {
    const [m, n] = [before[1] - before[0], after[1] - after[0]];
    if (m === n && comparison !== undefined)
      for (let k = 0; k < m; k++) pairs.push([before[0] + k, after[0] + k]);
    else {
      const alike =
        comparison === undefined || m === 0 || n === 0
          ? []
          : similarPairs(comparison, range(before), range(after));
      pairs.push(...alike);
      for (const rest of gaps(alike, before[1], after[1])) {
        const old = range(rest.before).filter((u) => u >= before[0]);
        const now = range(rest.after).filter((v) => v >= after[0]);
        const unclear = old.length > 0 && now.length > 0;
        (unclear ? unmatched.before : removed).push(...old);
        (unclear ? unmatched.after : added).push(...now);
      }
    }
    if (pair !== undefined) pairs.push(pair);
  }
  const from = new Array<number>(b.units).fill(-1);
  for (const [u, v] of pairs) from[v] = u;
  const unclear = unmatched.before.length > 0;
  const exact = new Set(certain.map(([, v]) => v));
  return {
    count: { before: a.units, after: b.units },
    removed,
    added,
    changed: changedUnits(pairs, exact, from, comparison),
    ...(unclear ? { unmatched } : {}),
    from,
  };
}

/** All numbers are the same, and so are all inputs. */
const isWhole = (a: SideLayer, b: SideLayer, columns: readonly Pair[] | undefined): boolean =>
  columns?.length === a.rows?.inputs &&
  columns?.every(([i, j]) => i === j) === true &&
  sameNumbers(a, b);

const unchanged = (units: number): UnitsDiff => ({
  count: { before: units, after: units },
  removed: [],
  added: [],
  changed: [],
  from: Array.from({ length: units }, (_, unit) => unit),
});

function changedUnits(
  pairs: readonly Pair[],
  exact: ReadonlySet<number>,
  from: readonly number[],
  comparison: Comparison | undefined,
): readonly ChangedUnit[] {
  if (comparison === undefined) return [];
  return pairs.flatMap(([before, after]): ChangedUnit[] => {
    // What is equal so far may still differ in the weights that units have for each other.
    if (exact.has(after) && !comparison.recurrent) return [];
    const { same, change } = comparison.change(before, after, from);
    return same ? [] : [{ before, after, change }];
  });
}

const range = ([from, to]: Pair): readonly number[] =>
  Array.from({ length: to - from }, (_, k) => from + k);
