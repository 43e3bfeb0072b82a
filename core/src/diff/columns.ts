import type { Origin, Origins } from "./origins.ts";
import { blockAt, type Rows } from "./rows.ts";
import type { Pair } from "./sequence.ts";
import type { SideLayer } from "./side.ts";

/** Which inputs of two layers are the same. */
export interface Sources {
  /** Where the units of the first model's layer come from: its index, by the index in the second. */
  readonly layer: ReadonlyMap<number, number>;
  /** And its units, by those of the second: -1 for none. */
  readonly unit: ReadonlyMap<number, readonly number[]>;
}

/**
 * The inputs that both layers have: by the units that they come from; where that cannot be told, one by
 * one if there are as many, else those by which the weights of one layer are a part of the other's.
 */
export function commonInputs(
  a: SideLayer,
  b: SideLayer,
  origins: readonly [Origins, Origins],
  sources: Sources,
): readonly Pair[] | undefined {
  if (a.rows === undefined || b.rows === undefined) return undefined;
  const [x, y] = [inputsOf(a, origins[0]), inputsOf(b, origins[1])];
  if (x?.length === a.rows.inputs && y?.length === b.rows.inputs) {
    const known = byOrigin(x, y, sources);
    if (known.length > 0) return known;
  }
  if (a.rows.inputs === b.rows.inputs)
    return Array.from({ length: a.rows.inputs }, (_, i) => [i, i]);
  return byWeights(a.rows, b.rows);
}

/** What the inputs of a layer carry. */
function inputsOf({ layer, kind }: SideLayer, origins: Origins): readonly Origin[] | undefined {
  const x = layer?.node.inputs[0];
  if (layer === undefined || x === undefined) return undefined;
  const { transA } = layer.node.attrs as { transA?: number };
  const axis = /^Conv/.test(kind) ? 1 : transA === 1 ? 0 : x.shape.length - 1;
  return origins.of(x, axis);
}

function byOrigin(
  x: readonly Origin[],
  y: readonly Origin[],
  { layer, unit }: Sources,
): readonly Pair[] {
  const key = (source: number | string, u: number, copy: number) => `${source}/${u}/${copy}`;
  const places = new Map(x.map((o, i) => [key(o.source, o.unit, o.copy), i]));
  return y
    .flatMap(({ source, unit: v, copy }, j): Pair[] => {
      const made = typeof source === "string" || source < 0;
      const [from, u] = made ? [source, v] : [layer.get(source), unit.get(source)?.[v] ?? -1];
      const i = from === undefined || u < 0 ? undefined : places.get(key(from, u, copy));
      return i === undefined ? [] : [[i, j]];
    })
    .sort((p, q) => p[0] - q[0]);
}

/** Units of the narrower layer that are tried. */
const TRIED = 8;

/** Inputs whose weights, all of them, are found in the same order in a unit of the other layer. */
function byWeights(a: Rows, b: Rows): readonly Pair[] | undefined {
  if (a.taps !== b.taps || a.groups !== 1 || b.groups !== 1) return undefined;
  const turned = a.inputs < b.inputs;
  const [wide, narrow] = turned ? [b, a] : [a, b];
  for (let v = 0; v < Math.min(TRIED, narrow.units); v++) {
    if (!varies(narrow, v)) continue;
    for (let u = 0; u < wide.units; u++) {
      const found = within(wide, u, narrow, v);
      if (found !== undefined) return found.map(([i, j]) => (turned ? [j, i] : [i, j]));
    }
  }
  return undefined;
}

/** Weights that repeat do not tell inputs apart. */
function varies(rows: Rows, unit: number): boolean {
  const firsts = new Set<number>();
  for (let i = 0; i < rows.inputs; i++) firsts.add(rows.data[blockAt(rows, unit, i)]);
  return firsts.size === rows.inputs;
}

function within(wide: Rows, u: number, narrow: Rows, v: number): readonly Pair[] | undefined {
  const pairs: Pair[] = [];
  let i = 0;
  for (let j = 0; j < narrow.inputs; j++, i++) {
    while (i < wide.inputs && !equalBlocks(wide, u, i, narrow, v, j)) i++;
    if (i === wide.inputs) return undefined;
    pairs.push([i, j]);
  }
  return pairs;
}

function equalBlocks(a: Rows, u: number, i: number, b: Rows, v: number, j: number): boolean {
  let [p, q] = [blockAt(a, u, i), blockAt(b, v, j)];
  for (let t = 0; t < a.taps; t++, p += a.step.tap, q += b.step.tap)
    if (a.data[p] !== b.data[q]) return false;
  return true;
}
