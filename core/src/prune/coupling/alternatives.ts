import { type Layer, layersOf } from "../../explain/layers.ts";
import type { Graph } from "../../ir/graph.ts";
import { planPrune } from "../plan.ts";
import { KnownRefusals } from "./closure.ts";
import { Colouring } from "./colouring.ts";
import { membersOf, type UnitGroup } from "./groups.ts";
import { Structure, unitAxis } from "./structure.ts";

/**
 * Groups in which units can go as well, instead of those that `unitGroups` gives: one place of every head,
 * where it gives whole heads. A plan takes them where it is asked for them as a whole.
 * @param ambiguous of `unitGroups`
 */
export function alternativeGroups(
  graph: Graph,
  ambiguous: readonly string[],
): readonly UnitGroup[] {
  const structure = Structure.of(graph);
  const found = new Map<string, UnitGroup>();
  const reached = new Set<string>();
  for (const layer of layersOf(graph)) {
    if (!ambiguous.includes(layer.name) || reached.has(layer.name)) continue;
    for (const group of groupsOf(structure, layer)) {
      for (const { layer: member } of group.members) reached.add(member);
      found.set(JSON.stringify(group.members), group);
    }
  }
  return [...found.values()];
}

function groupsOf(structure: Structure, layer: Layer): readonly UnitGroup[] {
  const all = Array.from({ length: layer.units }, (_, u) => u);
  const value = layer.node.outputs[0];
  const known = new KnownRefusals();
  const colouring = new Colouring(structure, known, value, unitAxis(layer), all, "other");
  const members = membersOf(structure, layer, colouring, [...colouring.coloured()]);
  const verdicts = new Map<string, boolean>();
  return [...members].flatMap(([colour, own]) => {
    if (colouring.refusal(colour) !== undefined) return [];
    const pattern = own.map((m) => `${m.layer} ${m.units.length}`).join("\n");
    const fits = verdicts.get(pattern) ?? goesAlone(structure, { members: own });
    verdicts.set(pattern, fits);
    return fits ? [{ members: own }] : [];
  });
}

/** A plan that is asked for the group takes it and nothing else. */
function goesAlone({ graph }: Structure, { members }: UnitGroup): boolean {
  const planned = planPrune(graph, members);
  return "plan" in planned && JSON.stringify(planned.plan.removed) === JSON.stringify(members);
}
