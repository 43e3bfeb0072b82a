import type { RemovalCurve } from "#protocol/views/curve.ts";
import type { LayerUnits } from "#protocol/views/ranking.ts";

/** The units that the model lacks at a point of the ascending series: the first groups of the ranking. */
export function removedUnits({ ranking }: RemovalCurve, groups: number): readonly LayerUnits[] {
  const units = new Map<string, Set<number>>();
  for (const { members } of ranking.slice(0, groups)) {
    for (const member of members) {
      const known = units.get(member.layer) ?? new Set();
      for (const unit of member.units) known.add(unit);
      units.set(member.layer, known);
    }
  }
  return [...units].map(([layer, of]) => ({ layer, units: [...of].sort((a, b) => a - b) }));
}
