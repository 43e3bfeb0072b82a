import type { Criterion, LayerUnits, RankedGroup, UnitRanking } from "#protocol/views/ranking.ts";
import { random } from "../../random.ts";
import type { FixedLayer, UnitGroup } from "../coupling/groups.ts";

export interface RankOptions {
  readonly criterion: Criterion;
  readonly scope: UnitRanking["scope"];
  /** Of `unitGroups`. */
  readonly apart?: UnitRanking["apart"];
  /** Why a layer has no scores. */
  readonly unscored?: ReadonlyMap<string, string>;
}

/**
 * Ranks groups of coupled units by the scores of their units. Scores are divided by the mean of their
 * layer; a layer's part in a group is the mean of its units there, and the group's score the mean of its
 * layers that have scores (as Torch-Pruning's group importance: Fang et al. 2023). Within a layer it is
 * then given in the scores of the layer that the group is named by.
 * @param scores per layer and unit, higher matters more; layers without are not counted, and groups of
 *   such layers alone cannot be ranked: their layers become `fixed`
 */
export function rankGroups(
  groups: readonly UnitGroup[],
  fixed: readonly FixedLayer[],
  scores: ReadonlyMap<string, readonly number[]>,
  { criterion, scope, apart = [], unscored = new Map() }: RankOptions,
): UnitRanking {
  const means = new Map([...scores].map(([layer, values]) => [layer, mean(values)]));
  const without = new Map<string, FixedLayer>();
  const scored = groups.flatMap(({ members }): RankedGroup[] => {
    const parts = members.flatMap(({ layer, units }) => {
      const values = scores.get(layer);
      if (values === undefined) return [];
      const normal = means.get(layer)! || 1;
      return [mean(units.map((u) => values[u])) / normal];
    });
    const { layer } = members[0];
    if (parts.length === 0) {
      const because = unscored.get(layer) ?? `its units have no ${criterion} score`;
      without.set(layer, { layer, because, at: layer });
      return [];
    }
    const scale = scope === "layer" ? means.get(layer) || 1 : 1;
    return [{ members, score: mean(parts) * scale }];
  });
  return {
    criterion,
    scope,
    groups: ascending(scored),
    fixed: [...without.values(), ...fixed],
    ...(apart.length === 0 ? {} : { apart }),
  };
}

/** In a random order, the same for the same seed; a group counts once, however many units it has. */
export function rankRandomly(
  groups: readonly UnitGroup[],
  fixed: readonly FixedLayer[],
  { scope, seed, apart = [] }: Pick<RankOptions, "scope" | "apart"> & { readonly seed: number },
): UnitRanking {
  const next = random(seed);
  const scored = groups.map(({ members }) => ({ members, score: next.uniform() }));
  return {
    criterion: "random",
    scope,
    groups: ascending(scored),
    fixed,
    ...(apart.length === 0 ? {} : { apart }),
  };
}

/** Ties: the later unit first. */
function ascending(groups: readonly RankedGroup[]): readonly RankedGroup[] {
  const order = groups.map((_, i) => i);
  return order.sort((a, b) => groups[a].score - groups[b].score || b - a).map((i) => groups[i]);
}

const mean = (values: readonly number[]): number =>
  values.reduce((a, b) => a + b, 0) / values.length;

/** The units of several groups, layer by layer: in the order in which the groups name the layers. */
export function unitsOf(
  groups: readonly { readonly members: readonly LayerUnits[] }[],
): LayerUnits[] {
  const units = new Map<string, number[]>();
  for (const { members } of groups)
    for (const { layer, units: own } of members) {
      const all = units.get(layer) ?? [];
      all.push(...own);
      units.set(layer, all);
    }
  return [...units].map(([layer, all]) => ({ layer, units: all.sort((a, b) => a - b) }));
}
