/** Which groups of coupled units matter least: what pruning chooses from. */

/**
 * What ranks units. `importance`: σ of ∂y/∂x (Kanadera), the layer's default index; `gradient`: mean |∂y/∂a|;
 * `taylor`: mean |Σ_positions a·∂loss/∂a| (Molchanov et al. 2017); `weight-norm`: L2 of the weights that lead
 * into the unit (Li et al. 2017: L1); `bn-scale`: |γ| of the BatchNormalization behind the layer (Liu et al.
 * 2017); `activation`: std of the unit's activation; `random`: seeded.
 */
export const CRITERIA = [
  "importance",
  "gradient",
  "taylor",
  "weight-norm",
  "bn-scale",
  "activation",
  "random",
] as const;
export type Criterion = (typeof CRITERIA)[number];

/** Units of one layer, by index in the model as it is. */
export interface LayerUnits {
  readonly layer: string;
  readonly units: readonly number[];
}

/** Units that can only go together. */
export interface RankedGroup {
  /** Every unit of the group, the layer that the group is named by first. */
  readonly members: readonly LayerUnits[];
  /** Higher: matters more. Comparable within the ranking's scope. */
  readonly score: number;
}

export interface UnitRanking {
  readonly criterion: Criterion;
  /** `layer`: scores compare within a layer; `global`: each layer's scores are divided by their mean first, so that all compare. */
  readonly scope: "layer" | "global";
  /** Ascending by score: what comes first goes first. Ties: the later unit first. */
  readonly groups: readonly RankedGroup[];
  /**
   * Parts of layers of which something must stay as well, such as what one half of a Split carries: the
   * groups of each part, by one unit of the layer that names the group.
   */
  readonly apart?: readonly (readonly LayerUnits[])[];
  /** Layers whose units cannot go, and why. */
  readonly fixed: readonly {
    readonly layer: string;
    readonly because: string;
    readonly at: string;
  }[];
}
