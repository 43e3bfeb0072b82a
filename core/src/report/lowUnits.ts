import type { Finding, FindingCode } from "#protocol/views/finding.ts";
import type { Importance } from "#protocol/views/importance.ts";
import type { ModelView } from "#protocol/views/model.ts";
import type { LayerUnits } from "#protocol/views/ranking.ts";
import { Coupling } from "../listing/coupling.ts";
import { rankGroups } from "../prune/ranking/rank.ts";

/**
 * The units of a layer that little is lost with. Of coupled ones those whose groups score low as a whole
 * (see `rankGroups`), or of which every unit is found to be low by itself.
 * @param found of the model; what is suppressed there stays
 * @param share of the largest score below which a group is low
 */
export function lowUnits(
  model: ModelView,
  importance: Importance | undefined,
  found: readonly Finding[],
  layer: string,
  share: number,
): readonly number[] {
  const low = new Set(found.filter((f) => LOW.has(f.code)).map((f) => `${f.unit} ${f.layer}`));
  const isLow = (name: string, unit: number) => low.has(`${unit} ${name}`);
  const units = model.layers.find((l) => l.name === layer)?.units ?? 0;
  const all = Array.from({ length: units }, (_, u) => u);
  const coupling = Coupling.of(model);
  const free = all.filter((u) => coupling.stuck(layer, u) === undefined);
  const groups = coupling.groupsOf([{ layer, units: free }]);
  const lowest = lowGroups(groups, scoresOf(model, importance), share);
  const goes = new Set(
    groups
      .filter((g) => isSingle(g) || lowest.has(g) || isWhole(g))
      .flatMap((g) => g.flatMap((m) => (m.layer === layer ? m.units : []))),
  );
  return free.filter((u) => goes.has(u) && isNoted(u));

  /** Some unit of its group here is found to be low. */
  function isNoted(unit: number): boolean {
    return coupling
      .group(layer, unit)
      .some((m) => m.layer === layer && m.units.some((u) => isLow(layer, u)));
  }

  function isWhole(group: Group): boolean {
    return group.every((m) => m.units.every((u) => isLow(m.layer, u)));
  }
}

type Group = readonly LayerUnits[];

const LOW: ReadonlySet<FindingCode> = new Set(["low-importance", "dead-unit"]);

const isSingle = (group: Group): boolean => group.length === 1 && group[0].units.length === 1;

function lowGroups(
  groups: readonly Group[],
  scores: ReadonlyMap<string, readonly number[]>,
  share: number,
): ReadonlySet<Group> {
  const ranked = rankGroups(
    groups.map((members) => ({ members })),
    [],
    scores,
    { criterion: "importance", scope: "global" },
  ).groups;
  const limit = share * (ranked.at(-1)?.score ?? 0);
  return new Set(ranked.filter((g) => g.score < limit).map((g) => g.members));
}

function scoresOf(
  { layers }: ModelView,
  importance: Importance | undefined,
): ReadonlyMap<string, readonly number[]> {
  const units = new Map(layers.map((l) => [l.name, l.units]));
  return new Map(
    (importance?.layers ?? [])
      .filter((l) => l.index !== "activation" && !l.output && units.get(l.name) === l.units)
      .map((l) => [l.name, l.importance]),
  );
}
