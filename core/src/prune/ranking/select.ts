import type { LayerUnits, RankedGroup, UnitRanking } from "#protocol/views/ranking.ts";
import { Room } from "./room.ts";

/**
 * Which groups go, of each layer by itself or of all together as the ranking's scope says. `lowest`: so
 * many with the lowest scores; `share`: so large a share of the groups, rounded down; `below`: those
 * with scores below a share of the largest.
 */
export type Selection =
  | { readonly kind: "lowest"; readonly count: number }
  | { readonly kind: "share"; readonly share: number }
  | { readonly kind: "below"; readonly share: number };

/**
 * The groups that a selection takes from a ranking, ascending by score. Groups whose layers would be left
 * with too few units stay, and the next ones go instead.
 */
export function select(ranking: UnitRanking, selection: Selection): readonly RankedGroup[] {
  const room = new Room(ranking.groups, ranking.apart);
  const taken = new Set<RankedGroup>();
  for (const groups of parts(ranking)) {
    const most = mostOf(groups, selection);
    const limit = selection.kind === "below" ? selection.share * largestOf(groups) : undefined;
    let count = 0;
    for (const group of groups) {
      if (count >= most || (limit !== undefined && group.score >= limit)) break;
      if (!room.take(group)) continue;
      taken.add(group);
      count++;
    }
  }
  return ranking.groups.filter((g) => taken.has(g));
}

/** What ranks together: the groups that are named by one layer, or all. Ascending. */
export function parts({ scope, groups }: UnitRanking): readonly (readonly RankedGroup[])[] {
  if (scope === "global") return [groups];
  const byLayer = new Map<string, RankedGroup[]>();
  for (const group of groups) {
    const { layer } = group.members[0];
    const own = byLayer.get(layer);
    if (own === undefined) byLayer.set(layer, [group]);
    else own.push(group);
  }
  return [...byLayer.values()];
}

/**
 * Fewer groups, so that every layer that loses units is left with a multiple: engines run those widths
 * fastest. The groups with the highest scores stay.
 * @param selected ascending, from `select`
 * @param widths units of every layer as it is: see `unitWidths`
 * @param multiple 8 or 16
 */
export function roundKept(
  selected: readonly RankedGroup[],
  widths: ReadonlyMap<string, number>,
  multiple: number,
): readonly RankedGroup[] {
  const gone = new Map<string, number>();
  const going = [...selected];
  for (const group of going) count(gone, group, 1);
  const isOdd = ({ layer }: LayerUnits) => {
    const lost = gone.get(layer)!;
    return lost > 0 && (widths.get(layer)! - lost) % multiple !== 0;
  };
  for (;;) {
    // Rather one that brings all its layers nearer: another would take layers out that are right.
    const best = going.findLastIndex(({ members }) => members.every(isOdd));
    const back = best >= 0 ? best : going.findLastIndex(({ members }) => members.some(isOdd));
    if (back < 0) return going;
    count(gone, going[back], -1);
    going.splice(back, 1);
  }
}

function count(gone: Map<string, number>, { members }: RankedGroup, sign: number): void {
  for (const { layer, units } of members)
    gone.set(layer, (gone.get(layer) ?? 0) + sign * units.length);
}

function mostOf(groups: readonly RankedGroup[], selection: Selection): number {
  switch (selection.kind) {
    case "lowest":
      return selection.count;
    case "share":
      return Math.floor(selection.share * groups.length + ROUNDING);
    case "below":
      return groups.length;
  }
}

/** 0.29 · 100 is 28.999999999999996. */
const ROUNDING = 1e-9;

const largestOf = (groups: readonly RankedGroup[]): number => groups.at(-1)?.score ?? 0;
