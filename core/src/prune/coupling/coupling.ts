import type { CouplingView } from "#protocol/views/model.ts";
import type { Graph } from "../../ir/graph.ts";
import { alternativeGroups } from "./alternatives.ts";
import { type UnitGroup, type UnitGroups, unitWidths } from "./groups.ts";

/**
 * The groups of a graph, short enough to go with its structure: streams of residual networks, whose units
 * go together by their numbers, are lists of layers. Undefined where every unit can go alone or none can.
 * @param found of `unitGroups`, for all layers
 */
export function couplingOf(graph: Graph, found: UnitGroups): CouplingView | undefined {
  const { groups, stuck, apart, ambiguous } = found;
  const units = unitWidths(graph);
  const several = groups.filter(({ members }) => members.length > 1 || members[0].units.length > 1);
  const streams = new Map<string, UnitGroup[]>();
  for (const group of several) {
    const key = JSON.stringify(group.members.map((m) => m.layer));
    const same = streams.get(key);
    if (same === undefined) streams.set(key, [group]);
    else same.push(group);
  }
  const parallel: string[][] = [];
  const others: CouplingView["groups"][number][] = [];
  for (const same of streams.values()) {
    const layers = same[0].members.map((m) => m.layer);
    // Every unit is in one group only, so as many groups as units are all units of the layers.
    const whole = layers.every((l) => units.get(l) === same.length) && same.every(isLevel);
    if (whole) parallel.push(layers);
    else others.push(...same.map((g) => g.members));
  }
  if (parallel.length + others.length + stuck.length + apart.length === 0) return undefined;
  const otherwise = alternativeGroups(graph, ambiguous).map((g) => g.members);
  return { parallel, groups: others, otherwise, stuck, apart };
}

/** One unit of each layer, with the same number. */
const isLevel = ({ members }: UnitGroup): boolean =>
  members.every(({ units }) => units.length === 1 && units[0] === members[0].units[0]);
