import type { UnitGroups } from "#core/prune/coupling/groups.ts";
import { unitsOf } from "#core/prune/ranking/rank.ts";
import { Room } from "#core/prune/ranking/room.ts";
import { type Random, random } from "#core/random.ts";
import type { LayerUnits, RankedGroup } from "#protocol/views/ranking.ts";

/** How many random plans a model is pruned by: all 200 of them in a long run (`npm run fuzz`). */
export const plansFor = (usual: number): number =>
  process.env.KAIBO_FUZZ === undefined ? usual : ALL_PLANS;

export const ALL_PLANS = 200;

/**
 * Seeded random sets of units that can go together: one group, a few, a share of all, a share of each layer,
 * and of one layer all that can go. Many of them reach every group.
 */
export function randomPlans(
  { groups, apart }: UnitGroups,
  count: number,
  seed: number,
): readonly (readonly LayerUnits[])[] {
  const next = random(seed);
  const ranked = groups.map((g): RankedGroup => ({ ...g, score: 0 }));
  return Array.from({ length: count }, (_, i) => {
    const room = new Room(ranked, apart, () => 1);
    const wanted = choose(shuffled(ranked, next), KINDS[i % KINDS.length]!, next);
    const taken = wanted.filter((g) => room.take(g));
    return unitsOf(taken.length > 0 ? taken : ranked.filter((g) => room.take(g)).slice(0, 1));
  });
}

const KINDS = ["one", "few", "share", "layer", "layers"] as const;

/** @param groups in random order */
function choose(
  groups: readonly RankedGroup[],
  kind: (typeof KINDS)[number],
  next: Random,
): readonly RankedGroup[] {
  switch (kind) {
    case "one":
      return groups.slice(0, 1);
    case "few":
      return groups.slice(0, 2 + Math.floor(4 * next.uniform()));
    case "share": {
      const share = next.uniform();
      return groups.slice(0, 1 + Math.floor(share * groups.length));
    }
    case "layer": {
      const { layer } = groups[0]!.members[0]!;
      return groups.filter((g) => g.members.some((m) => m.layer === layer));
    }
    case "layers": {
      const shares = new Map<string, number>();
      return groups.filter(({ members: [first] }) => {
        const share = shares.get(first!.layer) ?? next.uniform();
        shares.set(first!.layer, share);
        return next.uniform() < share;
      });
    }
  }
}

function shuffled<T>(items: readonly T[], next: Random): readonly T[] {
  const all = [...items];
  for (let i = all.length - 1; i > 0; i--) {
    const k = Math.floor(next.uniform() * (i + 1));
    [all[i], all[k]] = [all[k]!, all[i]!];
  }
  return all;
}
