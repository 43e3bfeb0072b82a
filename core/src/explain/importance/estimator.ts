import { float32, type Tensor } from "../../ir/tensor.ts";
import { random } from "../../random.ts";

/**
 * How the outputs are gone through: one by one, or by probes, which are random sums of all of them.
 *
 * For v with independent signs ±1, E_v Var(vᵀ∂y/∂a) = Σ_j Var(∂y_j/∂a): the cross terms vanish
 * (Hutchinson's estimator of a trace). A probe costs one backward run, however many outputs there are.
 * With independent signs w for the positions of a feature map too, Var(Σ_p w_p·vᵀ∂y/∂a_p) is, in the
 * mean, the variance summed over outputs and positions: one number per unit and probe is kept.
 */
export type Estimator =
  | { readonly kind: "exact" }
  | { readonly kind: "probes"; readonly probes: number; readonly seed: number };

/** Probes that a batch goes through at least, and batches that a probe sees at least in the mean. */
const PROBES_PER_BATCH = 8;
const BATCHES_PER_PROBE = 16;

/**
 * Which of `runs` a batch goes through. Where there are many batches, each goes through a random share
 * of the probes: more of them are then tried for the same work, and what limits the precision is the
 * number of probes. The same for the same seed, whatever process asks.
 */
export function runsOfBatch(
  estimator: Estimator,
  { runs, stacked, batches }: { runs: number; stacked: number; batches: number },
): (batch: number) => readonly number[] {
  const all = Array.from({ length: runs }, (_, k) => k);
  if (estimator.kind === "exact") return () => all;
  const each = Math.ceil(PROBES_PER_BATCH / stacked);
  const groups = Math.min(Math.floor(runs / each), Math.floor(batches / BATCHES_PER_PROBE));
  if (groups <= 1) return () => all;
  return (batch) => {
    const { uniform } = random(estimator.seed + ASSIGNMENT + batch);
    const group = Math.floor(uniform() * groups);
    return all.filter((k) => k % groups === group);
  };
}

/** Outputs up to which each is differentiated by itself. */
export const MOST_EXACT = 64;
/** Probes where nobody says how many: intervals of about ± 10 % where few outputs dominate, less else. */
export const PROBES = 32;
/** Fewer say too little about their own spread. */
export const FEWEST_PROBES = 8;

export function chooseEstimator(
  outputs: number,
  asked: number | "exact" | undefined,
  seed: number,
): Estimator {
  if (asked === "exact" || (asked === undefined && outputs <= MOST_EXACT)) return { kind: "exact" };
  return { kind: "probes", probes: asked ?? PROBES, seed };
}

/** Derivatives that are kept for each target: one row per output or per probe. */
export const rowsOf = (estimator: Estimator, outputs: number): number =>
  estimator.kind === "exact" ? outputs : estimator.probes;

/** What enters one run of the moments' graph. */
export interface Cotangents {
  /** [S·B, m]: the same for every sample of the batch. */
  readonly y: Tensor;
  /** Per length in `lengths`: signs [S, length]. */
  readonly signs: readonly Tensor[];
}

/** All runs of one batch: rows first … first + S − 1, S at a time; rows beyond the last are zero. */
export function cotangentsOf(
  estimator: Estimator,
  outputs: number,
  { batch, stacked, lengths }: { batch: number; stacked: number; lengths: readonly number[] },
): readonly Cotangents[] {
  const rows = rowsOf(estimator, outputs);
  const runs = Array.from({ length: Math.ceil(rows / stacked) }, (_, k) => k * stacked);
  if (estimator.kind === "exact")
    return runs.map((first) => ({
      y: spread(stacked, batch, outputs, (s, j) => (j === first + s && j < rows ? 1 : 0)),
      signs: [],
    }));
  const [v, ...w] = [outputs, ...lengths].map((length, i) =>
    rademacher(rows * length, estimator.seed + i * STREAM),
  );
  return runs.map((first) => ({
    y: spread(stacked, batch, outputs, (s, j) => v[(first + s) * outputs + j] ?? 0),
    signs: lengths.map((length, i) =>
      float32(
        [stacked, length],
        Float32Array.from({ length: stacked * length }, (_, at) => w[i][first * length + at] ?? 0),
      ),
    ),
  }));
}

/** Between the seeds of independent streams. */
const STREAM = 0x9e3779b1;
const ASSIGNMENT = 0x51ed270b;

function rademacher(length: number, seed: number): Int8Array {
  const { uniform } = random(seed);
  return Int8Array.from({ length }, () => (uniform() < 0.5 ? -1 : 1));
}

/** Row s·B + b is the cotangent s. */
function spread(
  stacked: number,
  batch: number,
  outputs: number,
  value: (s: number, j: number) => number,
): Tensor {
  const data = new Float32Array(stacked * batch * outputs);
  for (let s = 0; s < stacked; s++)
    for (let j = 0; j < outputs; j++) {
      const at = value(s, j);
      if (at !== 0) for (let b = 0; b < batch; b++) data[(s * batch + b) * outputs + j] = at;
    }
  return float32([stacked * batch, outputs], data);
}
