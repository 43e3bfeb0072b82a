import type { ModelView } from "#protocol/views/model.ts";
import type { LayerUnits } from "#protocol/views/ranking.ts";
import { Coupling } from "./coupling.ts";
import type { Removal } from "./document.ts";
import type { ListingMessages } from "./messages.ts";
import type { ParsedLayer, ParsedListing } from "./parse.ts";
import type { ListingProblem, RelatedPlace } from "./problem.ts";

/** What is wrong with the units that are gone, for what they are coupled with. */
export function coupledProblems(
  model: ModelView,
  parsed: ParsedListing,
  removed: readonly Removal[],
  texts: ListingMessages,
): readonly ListingProblem[] {
  if (model.coupling === undefined || removed.length === 0) return [];
  const listed = new Map(parsed.layers.map((l) => [l.name, l]));
  // Of a layer that is gone as a whole something else is said.
  const gone = removed.filter(({ layer }) => listed.has(layer));
  return [
    ...stuckUnits(model, gone, listed, texts),
    ...leftBehind(model, gone, listed, texts),
    ...emptiedParts(model.coupling.apart, gone, listed, texts),
  ];
}

type Listed = ReadonlyMap<string, ParsedLayer>;

/** Lines that must go too. */
function leftBehind(
  model: ModelView,
  removed: readonly Removal[],
  listed: Listed,
  texts: ListingMessages,
): ListingProblem[] {
  const gone = new Units(removed);
  const all: LayerUnits[] = [];
  const left = new Map<string, Map<number, Group>>();
  for (const members of Coupling.of(model).groupsOf(removed)) {
    const missing = some(members, (layer, unit) => listed.has(layer) && !gone.has(layer, unit));
    if (missing.length === 0) continue;
    all.push(...missing);
    const group = { missing, deleted: some(members, (layer, unit) => gone.has(layer, unit)) };
    for (const { layer, units } of missing) {
      const own = left.get(layer) ?? new Map<number, Group>();
      left.set(layer, own);
      for (const u of units) own.set(u, group);
    }
  }
  const remove = joined([all]);
  return [...left].flatMap(([layer, groups]) =>
    groups.size > MOST_LINES
      ? [ofHeading(listed.get(layer)!, groups, remove, listed, texts)]
      : ofLines(listed.get(layer)!, groups, listed, texts),
  );
}

interface Group {
  /** Those whose lines are there. */
  readonly missing: readonly LayerUnits[];
  readonly deleted: readonly LayerUnits[];
}

/** One for all lines of a layer where they are many; its fix deletes all that are left behind. */
function ofHeading(
  { name, line, nameFrom: from, nameTo: to }: ParsedLayer,
  groups: ReadonlyMap<number, Group>,
  remove: readonly LayerUnits[],
  listed: Listed,
  texts: ListingMessages,
): ListingProblem {
  const deleted = joined([...groups.values()].map((g) => g.deleted));
  const message = texts.coupledUnits(groups.size, name, names(deleted, texts));
  const related = deletedPlaces(deleted, listed, texts);
  return { line, from, to, code: "coupled-unit", message, related, remove };
}

function ofLines(
  { name, units }: ParsedLayer,
  groups: ReadonlyMap<number, Group>,
  listed: Listed,
  texts: ListingMessages,
): ListingProblem[] {
  return units.flatMap(({ unit, line, from, to }): ListingProblem[] => {
    const group = groups.get(unit);
    if (group === undefined) return [];
    const { missing: remove, deleted } = group;
    const message = texts.coupledUnit(unit, name, names(deleted, texts));
    const related = deletedPlaces(deleted, listed, texts);
    return [{ line, from, to, code: "coupled-unit", message, related, remove }];
  });
}

const MOST_LINES = 32;
const MOST_NAMED = 4;

function names(sets: readonly LayerUnits[], texts: ListingMessages): string {
  const shown = sets.slice(0, MOST_NAMED).map(({ layer, units }) => {
    const first = units.slice(0, MOST_NAMED);
    return texts.unitsOf(texts.unitList(first, units.length - first.length), layer);
  });
  return texts.together(shown, sets.length - shown.length);
}

/** Where the lines stood: at the line above them. */
const deletedPlaces = (
  deleted: readonly LayerUnits[],
  listed: Listed,
  texts: ListingMessages,
): readonly RelatedPlace[] =>
  deleted.slice(0, MOST_NAMED).flatMap(({ layer, units }): RelatedPlace[] => {
    const there = listed.get(layer);
    if (there === undefined) return [];
    const above = there.units.findLast((u) => u.unit < units[0]);
    const place = above ?? { line: there.line, from: there.nameFrom, to: there.nameTo };
    const { line, from, to } = place;
    const first = units.slice(0, MOST_NAMED);
    const list = texts.unitsOf(texts.unitList(first, units.length - first.length), layer);
    return [{ line, from, to, message: texts.deletedBelow(list) }];
  });

/** Units that cannot go, of layers of which others can. */
function stuckUnits(
  model: ModelView,
  removed: readonly Removal[],
  listed: Listed,
  texts: ListingMessages,
): ListingProblem[] {
  const gone = new Units(removed);
  return (model.coupling?.stuck ?? []).flatMap(({ layer, units, because, at }) => {
    const own = units.filter((u) => gone.has(layer, u));
    const there = listed.get(layer);
    if (own.length === 0 || there === undefined) return [];
    const first = own.slice(0, MOST_LISTED);
    const list = texts.unitList(first, own.length - first.length);
    const { line, nameFrom: from, nameTo: to } = there;
    const message = texts.stuckUnits(layer, `${because} (${at})`, list);
    const related = keeper(at, layer, because, listed);
    return [{ line, from, to, code: "coupled-unit" as const, message, related }];
  });
}

const MOST_LISTED = 8;

/** The layer that keeps units, where it is listed. */
export function keeper(
  at: string,
  layer: string,
  because: string,
  listed: Listed,
): readonly RelatedPlace[] {
  const there = at === layer ? undefined : listed.get(at);
  if (there === undefined) return [];
  return [{ line: there.line, from: there.nameFrom, to: there.nameTo, message: because }];
}

function emptiedParts(
  apart: readonly (readonly LayerUnits[])[],
  removed: readonly Removal[],
  listed: Listed,
  texts: ListingMessages,
): ListingProblem[] {
  const gone = new Units(removed);
  return apart.flatMap((part): ListingProblem[] => {
    const there = listed.get(part[0].layer);
    const isGone = part.every(({ layer, units }) => units.every((u) => gone.has(layer, u)));
    if (there === undefined || !isGone) return [];
    const { line, nameFrom: from, nameTo: to } = there;
    return [
      { line, from, to, code: "coupled-unit", message: texts.emptiedPart(names(part, texts)) },
    ];
  });
}

class Units {
  readonly #layers: ReadonlyMap<string, ReadonlySet<number>>;

  constructor(sets: readonly LayerUnits[]) {
    this.#layers = new Map(sets.map(({ layer, units }) => [layer, new Set(units)]));
  }

  has(layer: string, unit: number): boolean {
    return this.#layers.get(layer)?.has(unit) === true;
  }
}

function some(
  sets: readonly LayerUnits[],
  takes: (layer: string, unit: number) => boolean,
): readonly LayerUnits[] {
  return sets.flatMap(({ layer, units }) => {
    const own = units.filter((u) => takes(layer, u));
    return own.length === 0 ? [] : [{ layer, units: own }];
  });
}

/** Layer by layer, each unit once. */
function joined(lists: readonly (readonly LayerUnits[])[]): LayerUnits[] {
  const all = new Map<string, Set<number>>();
  for (const { layer, units } of lists.flat()) {
    const own = all.get(layer) ?? new Set();
    all.set(layer, own);
    for (const u of units) own.add(u);
  }
  return [...all].map(([layer, own]) => ({ layer, units: [...own].sort((a, b) => a - b) }));
}
