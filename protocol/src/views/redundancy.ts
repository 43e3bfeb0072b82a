/** Units that can go without any change of the model's outputs, from the weights alone. */
export interface Redundancy {
  readonly layers: readonly {
    readonly name: string;
    /** Of the whole layer, redundant or not. */
    readonly units: number;
    readonly redundant: readonly RedundantUnit[];
  }[];
}

export interface RedundantUnit {
  readonly unit: number;
  /**
   * - duplicate: gives what unit `of` gives, which stays
   * - constant: gives `value` for every input
   * - dead: gives 0 for every input
   * - unread: all weights that read it are 0
   */
  readonly kind: "duplicate" | "constant" | "dead" | "unread";
  readonly of?: number;
  readonly value?: number;
  /** Why it cannot go exactly; absent: all such units of the model can go together. */
  readonly obstacle?: RedundancyObstacle;
}

/**
 * - borders: a constant that is not there in the zero padding of the next layer
 * - bias: no bias could take the constant
 * - stored: the weights that would take it over are shared, computed, or of too few bits
 */
export type RedundancyObstacle = "borders" | "bias" | "stored";
