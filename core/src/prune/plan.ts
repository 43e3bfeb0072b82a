import type { Layer } from "../explain/layers.ts";
import type { Edit } from "../formats/edits.ts";
import { constantOf, type Graph, type Node } from "../ir/graph.ts";
import { changesOf, masksOf } from "./changes.ts";
import { Closure, KnownRefusals } from "./coupling/closure.ts";
import { unitsAlong } from "./coupling/links.ts";
import { place, Structure, unitAxis } from "./coupling/structure.ts";
import { compensate, type ExactOptions } from "./exact/compensate.ts";

/** Units of one layer, by index in the model as it is. */
export interface UnitSet {
  readonly layer: string;
  readonly units: readonly number[];
}

/** What has to change so that the units are gone; data that preview, file edit and check share. */
export interface PrunePlan {
  /** The units that were asked for and those of other layers that go with them. */
  readonly removed: readonly UnitSet[];
  /** On the tensors and attributes of the model file. */
  readonly edits: readonly Edit[];
  /** Where the units' signals are summed up: masking them there is what the prune must equal. */
  readonly masks: readonly Mask[];
}

export interface Mask {
  /** The node that reads the units' signals, and which of its inputs carries them. */
  readonly node: Node;
  readonly input: number;
  readonly axis: number;
  /** Indices along the axis that become 0. */
  readonly indices: readonly number[];
}

/** Why units cannot go, and where. */
export interface Refusal {
  readonly because: string;
  /** "conv3" or "node Add_12". */
  readonly at: string;
}

export type Planned = { readonly plan: PrunePlan } | { readonly refusal: Refusal };
export type Group = { readonly members: readonly UnitSet[] } | { readonly refusal: Refusal };

/**
 * Plans the removal of units, with all that is coupled with them. With `exact` (the weights are loaded then)
 * what the removed units give is made up for where another unit gives it too or where it is constant: it
 * needs no mask, and the edits write the weights that take it over.
 */
export function planPrune(graph: Graph, sets: readonly UnitSet[], exact?: ExactOptions): Planned {
  const structure = Structure.of(graph);
  const closure = new Closure(structure);
  const asked = merged(sets);
  for (const { layer: name, units } of asked) {
    const layer = structure.layers.get(name);
    if (layer === undefined)
      return no(
        `there is no layer ${name}; there are ${[...structure.layers.keys()].join(", ")}`,
        name,
      );
    const refusal =
      impossible(layer, units) ?? closure.remove(layer.node.outputs[0], unitAxis(layer), units);
    if (refusal !== undefined) return { refusal };
  }
  const emptied = nothingLeft(structure, closure);
  if (emptied !== undefined) return { refusal: emptied };
  const changes = changesOf(structure, closure);
  if ("refusal" in changes) return changes;
  const removed = removedBy(structure, closure, asked);
  const masks = masksOf(structure, closure);
  if (exact === undefined) return { plan: { removed, edits: changes.edits, masks } };
  const made = compensate(structure, closure, masks, changes.edits, exact);
  const edits = [...changes.edits, ...made.writings];
  return { plan: { removed, edits, masks: made.masks } };
}

/** The units that go when one goes, itself among them. */
export function groupOf(graph: Graph, layer: Layer, unit: number): Group {
  const structure = Structure.of(graph);
  const closure = new Closure(structure);
  const refusal = impossible(layer, [unit]) ?? refusalOf(structure, closure, layer, [unit]);
  if (refusal !== undefined) return { refusal };
  return { members: removedBy(structure, closure, [{ layer: layer.name, units: [unit] }]) };
}

/** Why no unit of the layer can be pruned; undefined when units can go. */
export function fixedBecause(graph: Graph, layer: Layer): Refusal | undefined {
  const structure = Structure.of(graph);
  const verdicts = known.get(structure) ?? { fixed: new KnownRefusals(), free: new Set() };
  known.set(structure, verdicts);
  if (verdicts.free.has(layer.name)) return undefined;
  const closure = new Closure(structure, verdicts.fixed);
  const refusal = refusalOf(structure, closure, layer, [0]);
  if (refusal !== undefined && !closure.ambiguous) verdicts.fixed.note(closure, refusal);
  if (refusal === undefined)
    for (const name of unitsBy(structure, closure).keys()) verdicts.free.add(name);
  return refusal;
}

/** What is known of the units of a graph: where one is stuck, and the layers of which some can go. */
const known = new WeakMap<
  Structure,
  { readonly fixed: KnownRefusals; readonly free: Set<string> }
>();

function refusalOf(
  structure: Structure,
  closure: Closure,
  layer: Layer,
  units: readonly number[],
): Refusal | undefined {
  const refusal =
    impossible(layer, layer.units > 1 ? units : []) ??
    closure.remove(layer.node.outputs[0], unitAxis(layer), units) ??
    (layer.units > 1 ? nothingLeft(structure, closure) : undefined);
  if (refusal !== undefined) return refusal;
  const changes = changesOf(structure, closure);
  return "refusal" in changes ? changes.refusal : undefined;
}

const no = (because: string, at: string): Planned => ({ refusal: { because, at } });

function merged(sets: readonly UnitSet[]): UnitSet[] {
  const all = new Map<string, Set<number>>();
  for (const { layer, units } of sets) {
    const into = all.get(layer) ?? new Set();
    for (const u of units) into.add(u);
    all.set(layer, into);
  }
  return [...all].map(([layer, units]) => ({ layer, units: [...units].sort((a, b) => a - b) }));
}

/** What is wrong with the choice of units itself. */
function impossible(layer: Layer, units: readonly number[]): Refusal | undefined {
  const at = layer.name;
  const bad = units.find((u) => !Number.isInteger(u) || u < 0 || u >= layer.units);
  if (bad !== undefined)
    return { because: `there is no unit ${bad}: ${at} has units 0 to ${layer.units - 1}`, at };
  if (units.length >= layer.units) return { because: "at least one unit must stay", at };
  if (layer.output) return { because: "its units are the outputs of the model", at };
  return undefined;
}

/** Coupled units may be all there are. */
function nothingLeft(structure: Structure, closure: Closure): Refusal | undefined {
  for (const { value, axis, indices } of closure.removals()) {
    if (indices.size < unitsAlong(value.shape[axis])) continue;
    const layer = structure.layerOf.get(value);
    const at = layer?.name ?? (constantOf(value) ? `tensor ${value.node.name}` : place(value.node));
    return { because: "all of its units go together, and at least one must stay", at };
  }
  return undefined;
}

/** The layers that were asked for first, then the others in the order of the graph. */
function removedBy(
  structure: Structure,
  closure: Closure,
  asked: readonly UnitSet[],
): readonly UnitSet[] {
  const units = unitsBy(structure, closure);
  const order = [...units.keys()].sort((a, b) => structure.rank(a) - structure.rank(b));
  return [...new Set([...asked.map((s) => s.layer), ...order])].flatMap((layer) => {
    const own = units.get(layer);
    return own === undefined ? [] : [{ layer, units: own }];
  });
}

function unitsBy(structure: Structure, closure: Closure): ReadonlyMap<string, readonly number[]> {
  const units = new Map<string, readonly number[]>();
  for (const { value, axis } of closure.removals()) {
    const layer = structure.layerOf.get(value);
    if (layer !== undefined && axis === unitAxis(layer))
      units.set(layer.name, closure.gone(value, axis));
  }
  return units;
}
