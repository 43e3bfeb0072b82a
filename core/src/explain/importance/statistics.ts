import type { TargetFacts } from "./targets.ts";

/** What can be measured; each costs a pass over the derivatives. */
export type Measure = "sigma" | "gate" | "meanAbs" | "activity";
export const MEASURES: readonly Measure[] = ["sigma", "gate", "meanAbs", "activity"];

/** Sums over samples for one target; arrays are output-major. Merged by addition, in float64. */
export interface Moments {
  /** Σ ∂y_j/∂a_e and Σ (∂y_j/∂a_e)²: [outputs × elements]. */
  readonly sum: Float64Array;
  readonly squares: Float64Array;
  /** Σ |∂y_j/∂a_e|: [outputs × elements]; empty when not measured. */
  readonly absolute: Float64Array;
  /** Σ h and Σ h², h = Σ_positions a·∂y_j/∂a: [outputs × units]; empty when not measured. */
  readonly gateSum: Float64Array;
  readonly gateSquares: Float64Array;
  /** Σ a, Σ a², number of non-zero a: [elements]; empty when not measured. */
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
  readonly moments: readonly Moments[];
}

export function emptyMoments(
  target: TargetFacts,
  outputs: number,
  measures: readonly Measure[],
  classes: number,
): Moments {
  const { elements, units, layer } = target;
  const own = layer !== "";
  const gate = own && measures.includes("gate");
  const activity = own && measures.includes("activity");
  const zeros = (n: number, wanted: boolean) => new Float64Array(wanted ? n : 0);
  return {
    sum: zeros(outputs * elements, measures.includes("sigma")),
    squares: zeros(outputs * elements, measures.includes("sigma")),
    absolute: zeros(outputs * elements, measures.includes("meanAbs")),
    gateSum: zeros(outputs * units, gate),
    gateSquares: zeros(outputs * units, gate),
    activation: zeros(elements, activity),
    activationSquares: zeros(elements, activity),
    active: zeros(elements, activity),
    contribution: zeros(classes * units, gate),
  };
}

/** Adds b to a, in place. */
export function addInto(a: Partial, b: Partial): Partial {
  addAll(a.classCounts, b.classCounts);
  a.moments.forEach((m, i) => {
    for (const key of Object.keys(m) as (keyof Moments)[]) addAll(m[key], b.moments[i][key]);
  });
  return {
    ...a,
    samples: a.samples + b.samples,
    labelled: a.labelled + b.labelled,
    correct: a.correct + b.correct,
  };
}

function addAll(into: Float64Array, from: Float64Array): void {
  for (let i = 0; i < into.length; i++) into[i] += from[i];
}
