import type { MatchedLayer } from "#protocol/views/diff.ts";
import { printOf, sameNumbers } from "./print.ts";
import { type Side, type SideLayer, WEIGHTS } from "./side.ts";

export interface LayerPair {
  /** Indices of the layers. */
  readonly before: number;
  readonly after: number;
  readonly by: MatchedLayer["by"];
}

/**
 * Which layer is which: those with the same weights and the same name, then the same weights, then the same
 * name; the rest in order, by what they are and their sizes (Needleman and Wunsch 1970).
 */
export function matchLayers(a: Side, b: Side): readonly LayerPair[] {
  const matching = new Matching(a.layers, b.layers);
  const named = new Map(a.layers.map(({ name }, i) => [name, i]));
  b.layers.forEach((layer, j) => {
    const i = named.get(layer.name);
    if (i !== undefined && sameNumbers(a.layers[i], layer)) matching.add(i, j, "name");
  });
  const prints = ({ layers }: Side, side: 0 | 1) => {
    const free = new Set(matching.free(side));
    return layers.map((layer, i) => (free.has(i) ? printOf(layer) : undefined));
  };
  const [x, y] = [prints(a, 0), prints(b, 1)];
  const unique = singles(x);
  for (const [print, j] of singles(y)) {
    const i = unique.get(print);
    if (i !== undefined) matching.add(i, j, "weights");
  }
  b.layers.forEach(({ name }, j) => {
    const i = named.get(name);
    if (i !== undefined) matching.add(i, j, "name");
  });
  for (const [i, j] of aligned(matching.free(0), matching.free(1), a.layers, b.layers))
    matching.add(i, j, "structure");
  return [...matching.pairs].sort((p, q) => p.after - q.after);
}

class Matching {
  readonly pairs: LayerPair[] = [];
  readonly #layers: readonly [readonly SideLayer[], readonly SideLayer[]];
  readonly #taken: readonly [Set<number>, Set<number>] = [new Set(), new Set()];

  constructor(a: readonly SideLayer[], b: readonly SideLayer[]) {
    this.#layers = [a, b];
  }

  add(before: number, after: number, by: LayerPair["by"]): void {
    const [a, b] = [this.#layers[0][before], this.#layers[1][after]];
    if (!alike(a, b) || this.#taken[0].has(before) || this.#taken[1].has(after)) return;
    this.#taken[0].add(before);
    this.#taken[1].add(after);
    this.pairs.push({ before, after, by });
  }

  free(side: 0 | 1): readonly number[] {
    return [...this.#layers[side].keys()].filter((i) => !this.#taken[side].has(i));
  }
}

function singles(prints: readonly (string | undefined)[]): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  const repeated = new Set<string>();
  prints.forEach((print, i) => {
    if (print === undefined) return;
    if (found.has(print)) repeated.add(print);
    found.set(print, i);
  });
  for (const print of repeated) found.delete(print);
  return found;
}

/** In order, so that the pairs have as much in common as they can. */
function aligned(
  before: readonly number[],
  after: readonly number[],
  a: readonly SideLayer[],
  b: readonly SideLayer[],
): readonly (readonly [number, number])[] {
  const [m, n] = [before.length, after.length];
  const best = Array.from({ length: m + 1 }, () => new Float64Array(n + 1));
  const score = (i: number, j: number) => likeness(a[before[i]], b[after[j]]);
  for (let i = m - 1; i >= 0; i--)
    for (let j = n - 1; j >= 0; j--)
      best[i][j] = Math.max(best[i + 1][j], best[i][j + 1], score(i, j) + best[i + 1][j + 1]);
  const pairs: [number, number][] = [];
  for (let i = 0, j = 0; i < m && j < n; ) {
    const own = score(i, j);
    if (own > 0 && best[i][j] === own + best[i + 1][j + 1]) pairs.push([before[i++], after[j++]]);
    else if (best[i][j] === best[i + 1][j]) i++;
    else j++;
  }
  return pairs;
}

const alike = (a: SideLayer, b: SideLayer): boolean =>
  a.kind === b.kind || a.kind === WEIGHTS || b.kind === WEIGHTS;

/** 0: not the same layer. */
function likeness(a: SideLayer, b: SideLayer): number {
  if (!alike(a, b) || a.rows?.taps !== b.rows?.taps) return 0;
  const sizes = [a.units === b.units, a.rows?.inputs === b.rows?.inputs, a.after === b.after];
  return 1 + sizes.filter(Boolean).length;
}
