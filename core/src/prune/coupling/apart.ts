import type { LayerUnits } from "#protocol/views/ranking.ts";
import type { Value } from "../../ir/graph.ts";
import { unitsOf } from "../ranking/rank.ts";
import type { Coloured, Colouring } from "./colouring.ts";
import type { UnitGroup } from "./groups.ts";
import { type Structure, unitAxis } from "./structure.ts";

interface Part {
  covered: number;
  readonly length: number;
  readonly groups: Set<UnitGroup>;
}

/**
 * Axes that carry some of a layer's groups only, such as one half of a Split: the layer itself may have
 * enough left when they are empty.
 */
export class Apart {
  readonly #structure: Structure;
  readonly #parts = new Map<Value, Map<number, Part>>();

  constructor(structure: Structure) {
    this.#structure = structure;
  }

  /**
   * Notes the axes that a walk did not reach with all of its groups.
   * @param groups by colour
   * @param whole these are all groups of the walk's layer
   */
  note(
    colouring: Colouring,
    coloured: readonly Coloured[],
    groups: ReadonlyMap<number, UnitGroup>,
    whole: boolean,
  ): void {
    for (const { value, axis, indices, colours } of coloured) {
      const here = new Set<UnitGroup>();
      let covered = 0;
      for (const i of indices) {
        const group = groups.get(colouring.root(colours[i]));
        if (group === undefined) continue;
        covered++;
        here.add(group);
      }
      if (here.size === 0 || (whole && here.size === groups.size)) continue;
      const axes = this.#parts.get(value) ?? new Map<number, Part>();
      const part = axes.get(axis) ?? { covered: 0, length: colours.length, groups: new Set() };
      part.covered += covered;
      for (const group of here) part.groups.add(group);
      this.#parts.set(value, axes.set(axis, part));
    }
  }

  /** The groups of each, by one unit of the layer that names the group. */
  all(): readonly (readonly LayerUnits[])[] {
    const found = new Map<string, readonly LayerUnits[]>();
    for (const [value, axes] of this.#parts) {
      const layer = this.#structure.layerOf.get(value);
      for (const [axis, { covered, length, groups }] of axes) {
        if (covered < length || (layer !== undefined && axis === unitAxis(layer))) continue;
        const first = [...groups].map(({ members: [{ layer: name, units }] }) => ({
          members: [{ layer: name, units: [units[0]] }],
        }));
        const part = unitsOf(first);
        found.set(JSON.stringify(part), part);
      }
    }
    return [...found.values()];
  }
}
