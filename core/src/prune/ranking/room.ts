import type { LayerUnits, RankedGroup } from "#protocol/views/ranking.ts";

/** Share of a layer's units that always stays, and one unit at least. */
export const LEAST_KEPT = 0.05;

/** How many of so many units stay at least. */
export const least = (units: number): number => Math.max(1, Math.ceil(LEAST_KEPT * units));

/** Which groups can still go so that enough is left of every layer, and something of every part. */
export class Room {
  /** By layer: units that may go. */
  readonly #units = new Map<string, number>();
  /** By unit: the parts that its group is in. */
  readonly #parts = new Map<string, number[]>();
  /** Groups of each part that may go. */
  readonly #spare: number[] = [];

  /**
   * @param groups all that can go, of the layers as they are
   * @param apart of a ranking
   * @param kept of a layer's units
   */
  constructor(
    groups: readonly RankedGroup[],
    apart: readonly (readonly LayerUnits[])[] = [],
    kept: (units: number, layer: string) => number = least,
  ) {
    for (const { members } of groups)
      for (const { layer, units } of members)
        this.#units.set(layer, (this.#units.get(layer) ?? 0) + units.length);
    for (const [layer, units] of this.#units) this.#units.set(layer, units - kept(units, layer));
    const ranked = new Set(groups.map(key));
    for (const part of apart) {
      const keys = part.flatMap(({ layer, units }) => units.map((u) => `${layer}/${u}`));
      // What is not ranked stays.
      if (keys.some((k) => !ranked.has(k))) continue;
      const index = this.#spare.push(keys.length - 1) - 1;
      for (const k of keys) this.#parts.set(k, [...(this.#parts.get(k) ?? []), index]);
    }
  }

  /** Lets the group go, if it can. */
  take(group: RankedGroup): boolean {
    const parts = this.#parts.get(key(group)) ?? [];
    const fits =
      group.members.every(({ layer, units }) => units.length <= this.#units.get(layer)!) &&
      parts.every((part) => this.#spare[part] > 0);
    if (!fits) return false;
    for (const { layer, units } of group.members)
      this.#units.set(layer, this.#units.get(layer)! - units.length);
    for (const part of parts) this.#spare[part]--;
    return true;
  }
}

/** A group by the first unit of the layer that names it. */
const key = ({ members: [first] }: { readonly members: readonly LayerUnits[] }): string =>
  `${first.layer}/${first.units[0]}`;
