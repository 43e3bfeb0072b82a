import { type Estimator, FEWEST_PROBES, rowsOf } from "./estimator.ts";
import type { TargetFacts } from "./targets.ts";

/** What can be measured; each costs a pass over the derivatives. */
export type Measure = "sigma" | "gate" | "meanAbs" | "activity";
export const MEASURES: readonly Measure[] = ["sigma", "gate", "meanAbs", "activity"];

/**
 * Sums over samples for one target; arrays are output-major. Merged by addition, in float64. With probes,
 * rows are probes instead of outputs, and `sum` and `squares` are of one signed sum per unit.
 */
export interface Moments {
  /** Σ ∂y_j/∂a_e and Σ (∂y_j/∂a_e)²: [outputs × elements], [probes × units]. */
  readonly sum: Float64Array;
  readonly squares: Float64Array;
  /** With probes: Σ over batches of the square of the batch's part of `sum`; else empty. */
  readonly batchSquares: Float64Array;
  /** Σ |∂y_j/∂a_e|: [outputs × elements]; empty when not measured. */
  readonly absolute: Float64Array;
  /** Σ h and Σ h², h = Σ_positions a·∂y_j/∂a: [outputs × units]; empty when not measured. */
  readonly gateSum: Float64Array;
  readonly gateSquares: Float64Array;
  /** As `batchSquares`, for the gates. */
  readonly gateBatchSquares: Float64Array;
  /** Σ a, Σ a², number of non-zero a over samples and positions: [units]; empty when not measured. */
  readonly activation: Float64Array;
  readonly activationSquares: Float64Array;
  readonly active: Float64Array;
  /** Σ over the samples of class c of h for the logit of c: [classes × units]; empty without labels. */
  readonly contribution: Float64Array;
}

/** The sums over one shard of the samples, or over several merged. */
export interface Partial {
  readonly samples: number;
  /** Samples with a label, and those classified as labelled. */
  readonly labelled: number;
  readonly correct: number;
  /** Samples per class; empty without labels. */
  readonly classCounts: Float64Array;
  /** Σ (samples in a batch)². */
  readonly pairs: number;
  /** Per row: samples that went through it, and Σ (samples in a batch)² of those. */
  readonly rowSamples: Float64Array;
  readonly rowPairs: Float64Array;
  readonly moments: readonly Moments[];
}

/** Numbers that are kept of one target at most, for probes: the inputs of large images get fewer of them. */
const MOST_KEPT = 1 << 20;

export function emptyMoments(
  target: TargetFacts,
  outputs: number,
  measures: readonly Measure[],
  classes: number,
  estimator: Estimator,
): Moments {
  const { elements, units, layer, refused } = target;
  const own = layer !== "";
  const activity = own && measures.includes("activity");
  const gate = own && refused === undefined && measures.includes("gate");
  const exact = estimator.kind === "exact";
  const rows = rowsOf(estimator, outputs);
  const kept = Math.min(rows, Math.max(FEWEST_PROBES, Math.floor(MOST_KEPT / units)));
  const all = exact ? rows * elements : kept * units;
  const derivatives = refused === undefined ? all : 0;
  const zeros = (n: number, wanted: boolean) => new Float64Array(wanted ? n : 0);
  return {
    sum: zeros(derivatives, measures.includes("sigma")),
    squares: zeros(derivatives, measures.includes("sigma")),
    batchSquares: zeros(exact ? 0 : derivatives, measures.includes("sigma")),
    absolute: zeros(derivatives, exact && measures.includes("meanAbs")),
    gateSum: zeros(rows * units, gate),
    gateSquares: zeros(rows * units, gate),
    gateBatchSquares: zeros(exact ? 0 : rows * units, gate),
    activation: zeros(units, activity),
    activationSquares: zeros(units, activity),
    active: zeros(units, activity),
    contribution: zeros(classes * units, gate),
  };
}

/** Adds b to a, in place. */
export function addInto(a: Partial, b: Partial): Partial {
  addAll(a.classCounts, b.classCounts);
  addAll(a.rowSamples, b.rowSamples);
  addAll(a.rowPairs, b.rowPairs);
  a.moments.forEach((m, i) => {
    for (const key of Object.keys(m) as (keyof Moments)[]) addAll(m[key], b.moments[i][key]);
  });
  return {
    ...a,
    samples: a.samples + b.samples,
    labelled: a.labelled + b.labelled,
    correct: a.correct + b.correct,
    pairs: a.pairs + b.pairs,
  };
}

function addAll(into: Float64Array, from: Float64Array): void {
  for (let i = 0; i < into.length; i++) into[i] += from[i];
}
