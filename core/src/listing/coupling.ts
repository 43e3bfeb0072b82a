import type { CouplingView, ModelView, StuckUnits } from "#protocol/views/model.ts";
import type { LayerUnits } from "#protocol/views/ranking.ts";

type Group = readonly LayerUnits[];

/** Looks up what the view of a model says of coupled units. */
export class Coupling {
  readonly #streams = new Map<string, readonly string[]>();
  readonly #groups: Groups;
  readonly #otherwise: Groups;
  readonly #stuck = new Map<string, Map<number, StuckUnits>>();

  private constructor({ parallel, groups, otherwise, stuck }: CouplingView) {
    for (const layers of parallel) for (const layer of layers) this.#streams.set(layer, layers);
    this.#groups = byUnit(groups);
    this.#otherwise = byUnit(otherwise);
    for (const some of stuck) {
      const own = this.#stuck.get(some.layer) ?? new Map<number, StuckUnits>();
      this.#stuck.set(some.layer, own);
      for (const u of some.units) own.set(u, some);
    }
  }

  static of({ coupling = NONE }: Pick<ModelView, "coupling">): Coupling {
    const found = known.get(coupling) ?? new Coupling(coupling);
    known.set(coupling, found);
    return found;
  }

  /** The other layers whose units with the same numbers go along; empty where that does not say it all. */
  companions(layer: string): readonly string[] {
    if (this.isMixed(layer)) return [];
    const groups = new Set(this.#groups.get(layer)?.values());
    const stream = this.#streams.get(layer) ?? [];
    const all = new Set([...stream, ...[...groups].flatMap((g) => g.map((m) => m.layer))]);
    all.delete(layer);
    return [...all];
  }

  /** Of the units of the layer some go with others, not simply by number. */
  isMixed(layer: string): boolean {
    const own = this.#groups.get(layer);
    return own !== undefined && [...own.values()].some((group) => !isLevel(group));
  }

  /** All units that go when the unit goes, itself among them. */
  group(layer: string, unit: number): Group {
    const stream = this.#streams.get(layer);
    if (stream !== undefined) return stream.map((l) => ({ layer: l, units: [unit] }));
    return this.#groups.get(layer)?.get(unit) ?? [{ layer, units: [unit] }];
  }

  /** Why the unit cannot go though others of its layer can. */
  stuck(layer: string, unit: number): StuckUnits | undefined {
    return this.#stuck.get(layer)?.get(unit);
  }

  /** The groups that some units are in, each once: other ones where a layer's units are whole ones of those. */
  groupsOf(sets: readonly LayerUnits[]): readonly Group[] {
    const seen = new Set<unknown>();
    const found: Group[] = [];
    for (const { layer, units } of sets) {
      const stream = this.#streams.get(layer);
      const other = this.#other(layer, units);
      for (const unit of units) {
        const one = other?.get(unit) ?? this.#groups.get(layer)?.get(unit);
        const key = one ?? `${stream?.[0] ?? layer}\n${unit}`;
        if (seen.has(key)) continue;
        seen.add(key);
        found.push(one ?? this.group(layer, unit));
      }
    }
    return found;
  }

  /** A layer is not taken apart in two ways. */
  #other(layer: string, units: readonly number[]): ReadonlyMap<number, Group> | undefined {
    const otherwise = this.#otherwise.get(layer);
    if (otherwise === undefined) return undefined;
    const there = new Set(units);
    const isWhole = (group: Group | undefined) =>
      group?.every((m) => m.layer !== layer || m.units.every((u) => there.has(u))) === true;
    const takes =
      units.every((u) => isWhole(otherwise.get(u))) &&
      !units.every((u) => isWhole(this.group(layer, u)));
    return takes ? otherwise : undefined;
  }

  /** The units with all that goes along, the layers that are asked for first. */
  whole(sets: readonly LayerUnits[]): readonly LayerUnits[] {
    const all = new Map(sets.map((s) => [s.layer, new Set<number>()]));
    for (const group of this.groupsOf(sets))
      for (const { layer, units } of group) {
        const own = all.get(layer) ?? new Set();
        all.set(layer, own);
        for (const u of units) own.add(u);
      }
    return [...all].map(([layer, own]) => ({ layer, units: [...own].sort((a, b) => a - b) }));
  }
}

/** One unit of each layer, with the same number. */
const isLevel = (group: Group): boolean =>
  group.every(({ units }) => units.length === 1 && units[0] === group[0].units[0]);

type Groups = ReadonlyMap<string, ReadonlyMap<number, Group>>;

function byUnit(groups: readonly Group[]): Groups {
  const found = new Map<string, Map<number, Group>>();
  for (const group of groups)
    for (const { layer, units } of group) {
      const own = found.get(layer) ?? new Map<number, Group>();
      found.set(layer, own);
      for (const u of units) own.set(u, group);
    }
  return found;
}

const NONE: CouplingView = { parallel: [], groups: [], otherwise: [], stuck: [], apart: [] };

const known = new WeakMap<CouplingView, Coupling>();
