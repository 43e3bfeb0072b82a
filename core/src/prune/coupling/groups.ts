import type { StuckUnits } from "#protocol/views/model.ts";
import type { LayerUnits } from "#protocol/views/ranking.ts";
import { type Layer, layersOf } from "../../explain/layers.ts";
import type { Graph } from "../../ir/graph.ts";
import { groupOf, type Refusal } from "../plan.ts";
import { Apart } from "./apart.ts";
import { KnownRefusals } from "./closure.ts";
import { type Coloured, Colouring } from "./colouring.ts";
import { Structure, unitAxis } from "./structure.ts";

/** Units that can only go together. */
export interface UnitGroup {
  /** The layer that the group is named by first, the others in the order of the graph. */
  readonly members: readonly LayerUnits[];
}

export interface UnitGroups {
  /** Every unit that can go is in one of them, and in no other. */
  readonly groups: readonly UnitGroup[];
  /** Layers whose units cannot go, and why. */
  readonly fixed: readonly FixedLayer[];
  /** Units that cannot go, of layers of which others can. */
  readonly stuck: readonly StuckUnits[];
  /** Layers whose units can go in other groups as well: see `alternativeGroups`. */
  readonly ambiguous: readonly string[];
  /** Groups of which one must stay, though their layers have others: see `UnitRanking.apart`. */
  readonly apart: readonly (readonly LayerUnits[])[];
}

export interface FixedLayer extends Refusal {
  readonly layer: string;
}

/**
 * All groups of coupled units of a graph, those of a layer by their units in the layer that names them:
 * the first asked one that is in the group.
 * @param layers whose units are asked for, with all that goes along; all layers when absent
 */
export function unitGroups(graph: Graph, layers?: readonly string[]): UnitGroups {
  const structure = Structure.of(graph);
  const known = new KnownRefusals();
  const apart = new Apart(structure);
  const grouped = new Map<string, Set<number>>();
  const groups: UnitGroup[] = [];
  const fixed: FixedLayer[] = [];
  const stuck: StuckUnits[] = [];
  const ambiguous: string[] = [];
  const names = [...structure.layers.keys()];
  for (const name of new Set(layers ?? names)) {
    const layer = structure.layers.get(name);
    if (layer === undefined) {
      const because = `there is no layer ${name}; there are ${names.join(", ")}`;
      fixed.push({ layer: name, because, at: name });
      continue;
    }
    const found = groupsFrom(structure, layer, grouped.get(name) ?? new Set(), known, apart);
    if ("because" in found) fixed.push({ layer: name, ...found });
    else {
      stuck.push(...found.stuck);
      if (found.ambiguous) ambiguous.push(name);
      for (const group of found.groups) {
        groups.push(group);
        for (const { layer: member, units } of group.members) {
          const own = grouped.get(member) ?? new Set();
          for (const u of units) own.add(u);
          grouped.set(member, own);
        }
      }
    }
  }
  return { groups, fixed, stuck, ambiguous, apart: apart.all() };
}

/** Units of every layer, by name. */
export const unitWidths = (graph: Graph): ReadonlyMap<string, number> =>
  new Map(layersOf(graph).map((l) => [l.name, l.units]));

/** The groups of the layer's units but for those that are in one already; or why none can go. */
function groupsFrom(
  structure: Structure,
  layer: Layer,
  grouped: ReadonlySet<number>,
  known: KnownRefusals,
  apart: Apart,
): (Pick<UnitGroups, "groups" | "stuck"> & { readonly ambiguous: boolean }) | Refusal {
  const { name, units, output } = layer;
  if (output) return { because: "its units are the outputs of the model", at: name };
  if (units < 2) return { because: "at least one unit must stay", at: name };
  const own = Array.from({ length: units }, (_, u) => u).filter((u) => !grouped.has(u));
  if (own.length === 0) return { groups: [], stuck: [], ambiguous: false };
  const colouring = new Colouring(structure, known, layer.node.outputs[0], unitAxis(layer), own);
  const coloured = [...colouring.coloured()];
  refuseWhole(structure, colouring, coloured);
  const byColour = checked(structure, layer, colouring, coloured, own);
  apart.note(colouring, coloured, byColour, grouped.size === 0);
  if (!colouring.ambiguous && colouring.refuses) noteRefusals(known, colouring, coloured);
  const refusal = colouring.refusal(own[0]);
  if (byColour.size === 0 && grouped.size === 0 && refusal !== undefined) return refusal;
  const first = ({ members }: UnitGroup) => members[0].units[0];
  return {
    groups: [...byColour.values()].sort((a, b) => first(a) - first(b)),
    stuck: colouring.refuses ? stuckUnits(name, colouring, own) : [],
    ambiguous: colouring.ambiguous,
  };
}

/** The units that are refused, those of one reason together. */
function stuckUnits(layer: string, colouring: Colouring, units: readonly number[]): StuckUnits[] {
  const found = new Map<string, StuckUnits & { readonly units: number[] }>();
  for (const u of units) {
    const refusal = colouring.refusal(u);
    if (refusal === undefined) continue;
    const key = JSON.stringify(refusal);
    const { because, at } = refusal;
    const same = found.get(key) ?? { layer, units: [], because, at };
    found.set(key, same);
    same.units.push(u);
  }
  return [...found.values()];
}

/** Coupled units may be all there are. */
function refuseWhole(
  { layerOf }: Structure,
  colouring: Colouring,
  coloured: readonly Coloured[],
): void {
  for (const { value, indices, colours } of coloured) {
    if (indices.length === 0 || indices.length < colours.length) continue;
    const first = colouring.root(colours[0]);
    if (!colours.every((c) => colouring.root(c) === first)) continue;
    const at = layerOf.get(value)?.name ?? value.node.name;
    const because = "all of its units go together, and at least one must stay";
    colouring.refuseColour(first, { because, at });
  }
}

/**
 * The groups of what is not refused, by colour. Of those that reach the same numbers of indices of the same values
 * one is planned by itself: whether attributes and shapes can say what is left holds for all of them.
 */
function checked(
  structure: Structure,
  layer: Layer,
  colouring: Colouring,
  coloured: readonly Coloured[],
  units: readonly number[],
): ReadonlyMap<number, UnitGroup> {
  const patterns = patternsOf(colouring, coloured, layer.units);
  const verdicts = new Map<number, Refusal | undefined>();
  const members = membersOf(structure, layer, colouring, coloured);
  const groups = new Map<number, UnitGroup>();
  for (const u of units) {
    if (colouring.root(u) !== u || colouring.refusal(u) !== undefined) continue;
    const group = { members: members.get(u) ?? [] };
    const pattern = patterns[u];
    if (!verdicts.has(pattern)) verdicts.set(pattern, verdict(structure, layer, group));
    const refusal = verdicts.get(pattern);
    if (refusal === undefined) groups.set(u, group);
    else colouring.refuseColour(u, refusal);
  }
  return groups;
}

function verdict({ graph }: Structure, layer: Layer, { members }: UnitGroup): Refusal | undefined {
  const alone = groupOf(graph, layer, members[0].units[0]);
  if ("refusal" in alone) return alone.refusal;
  const same = JSON.stringify(alone.members) === JSON.stringify(members);
  return same
    ? undefined
    : { because: "its units go together in more than one way", at: layer.name };
}

/** By colour: a number for which values it reaches, and how many indices of each. */
function patternsOf(
  colouring: Colouring,
  coloured: readonly Coloured[],
  colours: number,
): Float64Array {
  const patterns = new Float64Array(colours);
  const counts = new Int32Array(colours);
  coloured.forEach(({ indices, colours: here }, t) => {
    for (const i of indices) counts[colouring.root(here[i])]++;
    for (const i of indices) {
      const root = colouring.root(here[i]);
      if (counts[root] === 0) continue;
      patterns[root] = mixed(patterns[root], t + 1, counts[root]);
      counts[root] = 0;
    }
  });
  return patterns;
}

/** A prime below 2^21, so that products stay exact. */
const PRIME = 2_097_143;
const LARGEST = 2 ** 32;

function mixed(pattern: number, place: number, count: number): number {
  const high = Math.floor(pattern / PRIME) % LARGEST;
  const low = ((pattern % PRIME) * 31 + place * 7919 + count * 104_729) % PRIME;
  const folded = (Math.imul(high ^ place, 0x9e3779b1) + Math.imul(count, 0x85ebca6b)) >>> 0;
  return folded * PRIME + low;
}

/** By colour: the units of the layers, the given one first. */
export function membersOf(
  structure: Structure,
  first: Layer,
  colouring: Colouring,
  coloured: readonly Coloured[],
): ReadonlyMap<number, readonly LayerUnits[]> {
  const reached = coloured.flatMap((place) => {
    const layer = structure.layerOf.get(place.value);
    return layer !== undefined && place.axis === unitAxis(layer) ? [{ layer, place }] : [];
  });
  const rank = ({ name }: Layer) => (name === first.name ? -1 : structure.rank(name));
  reached.sort((a, b) => rank(a.layer) - rank(b.layer));
  const members = new Map<number, LayerUnits[]>();
  for (const { layer, place } of reached) {
    const units = new Map<number, number[]>();
    for (const unit of place.indices) {
      const root = colouring.root(place.colours[unit]);
      const own = units.get(root);
      if (own === undefined) units.set(root, [unit]);
      else own.push(unit);
    }
    for (const [root, own] of units) {
      own.sort((a, b) => a - b);
      const group = members.get(root);
      if (group === undefined) members.set(root, [{ layer: layer.name, units: own }]);
      else group.push({ layer: layer.name, units: own });
    }
  }
  return members;
}

/** What is coupled with what cannot go need not be followed again. */
function noteRefusals(
  known: KnownRefusals,
  colouring: Colouring,
  coloured: readonly Coloured[],
): void {
  for (const { value, axis, indices, colours } of coloured)
    for (const index of indices) {
      const refusal = colouring.refusal(colours[index]);
      if (refusal !== undefined) known.noteAt({ value, axis, indices: [index] }, refusal);
    }
}
