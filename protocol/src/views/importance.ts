/** Which units matter (Kanadera): plain data, as the listing, the hovers and `importance --json` show it. */
export interface Importance {
  /** Name of the data, "" for weights only. */
  readonly data: string;
  readonly samples: number;
  readonly outputs: "probabilities" | "logits";
  /** Share of samples classified as labelled; absent without labels. */
  readonly accuracy?: number;
  readonly layers: readonly LayerImportance[];
  readonly input: InputImportance;
  /** How the outputs were gone through; absent for weights alone. */
  readonly estimator?: ImportanceEstimator;
  /** Layers whose importance cannot be computed, and why; their activations may be among `layers` all the same. */
  readonly refused?: readonly RefusedLayer[];
  /** What ran the graphs, with its backend: "onnxruntime", "tfjs (wasm)"; absent where nothing ran. */
  readonly engine?: string;
  /** Said where σ vanishes (an affine model): the root mean square stands in for it. */
  readonly note?: string;
}

export type ImportanceIndex = "sigma" | "gate" | "scaled";

export interface RefusedLayer {
  readonly layer: string;
  readonly op: string;
  readonly because: string;
}

/**
 * Probes are random sums of all outputs: sums of σ over outputs (and positions) are then taken in
 * quadrature, √Σ_j σ_j², and are estimates with an interval.
 */
export type ImportanceEstimator =
  | { readonly kind: "exact" }
  | {
      readonly kind: "probes";
      readonly probes: number;
      readonly seed: number;
      /** Of the intervals: 0.95. */
      readonly level: number;
    };

/** Per unit: where the value lies that all outputs, one by one, would give. */
export interface Interval {
  readonly low: readonly number[];
  readonly high: readonly number[];
}

/** One number per unit, in unit order; empty where it takes data and there are none. Sums are over the model's outputs j and, for filters, positions. */
export interface LayerImportance {
  readonly name: string;
  readonly op: string;
  readonly units: number;
  /** The ranking index: `index` below. */
  readonly importance: readonly number[];
  /**
   * gate for filters, scaled for dense units, unless asked otherwise; weights (norms) without data;
   * activation (`deviation`) where importance is refused: `importance` is none there.
   */
  readonly index: ImportanceIndex | "weights" | "activation";
  /** Imp(l,i) = Σ_j σ(∂y_j/∂a_i), population σ over samples. */
  readonly sigma: readonly number[];
  /** Σ_j σ(Σ_positions a·∂y_j/∂a): derivative by a multiplicative gate on the unit. */
  readonly gate: readonly number[];
  /** std(a)·sigma, std over samples and positions. */
  readonly scaled: readonly number[];
  /** Σ_j mean |∂y_j/∂a|. */
  readonly meanAbs: readonly number[];
  /** Σ_j mean (∂y_j/∂a)². */
  readonly meanSquare: readonly number[];
  /** Share of samples and positions with a ≠ 0. */
  readonly active: readonly number[];
  /** std(a) over samples and positions. */
  readonly deviation: readonly number[];
  /**
   * Per class c and unit: mean over the samples of class c of Σ_positions a·∂logit_c/∂a, the unit's
   * share of the class's logit through the affine maps that follow. Empty without labels.
   */
  readonly contribution: readonly (readonly number[])[];
  /** Whether the units are the model's outputs. */
  readonly output: boolean;
  /** Of `importance`, when it is an estimate. */
  readonly interval?: Interval;
  /** How far the ranking can be relied on, 0 to 1: the rank correlation that another set of probes is expected to have with it. */
  readonly reliability?: number;
}

export interface InputImportance {
  /** Shape of one sample as the model takes it. */
  readonly shape: readonly number[];
  /** Σ_j σ(∂y_j/∂x_i), row-major; empty where `refused`. */
  readonly importance: readonly number[];
  /** Of `importance`, when it is an estimate. */
  readonly interval?: Interval;
  /** Why the input has no importance: token ids have no derivative. */
  readonly refused?: string;
}
