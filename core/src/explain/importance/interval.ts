import { random } from "../../random.ts";

/** An estimate per unit with a two-sided 95 % interval. */
export interface Estimate {
  readonly value: readonly number[];
  readonly low: readonly number[];
  readonly high: readonly number[];
}

export const LEVEL = 0.95;
const Z = 1.959964;

/** Student's t at 97.5 % (expansion in 1/ν: Abramowitz and Stegun 26.7.5). */
export function student(freedom: number): number {
  const z2 = Z * Z;
  return (
    Z +
    (Z * (z2 + 1)) / (4 * freedom) +
    (Z * ((5 * z2 + 16) * z2 + 3)) / (96 * freedom ** 2) +
    (Z * (((3 * z2 + 19) * z2 + 17) * z2 - 15)) / (384 * freedom ** 3)
  );
}

/**
 * The root of the mean over probes, per unit. Probes are skewed to the right where few directions
 * dominate, as χ² is, so the interval is taken of the logarithm: mean·exp(± t·s/(mean·√k)).
 * @param probes [probes × units], each unbiased
 */
export function rootOfMean(probes: Float64Array, units: number): Estimate {
  const k = probes.length / units;
  const t = student(k - 1);
  const value = new Array<number>(units);
  const low = new Array<number>(units);
  const high = new Array<number>(units);
  for (let u = 0; u < units; u++) {
    let [sum, squares] = [0, 0];
    for (let p = 0; p < k; p++) sum += probes[p * units + u];
    const mean = sum / k;
    for (let p = 0; p < k; p++) squares += (probes[p * units + u] - mean) ** 2;
    const share = mean > 0 ? Math.sqrt(squares / (k - 1) / k) / mean : 0;
    value[u] = Math.sqrt(Math.max(0, mean));
    // Half the logarithm's width: of the root.
    low[u] = value[u] * Math.exp((-t * share) / 2);
    high[u] = value[u] * Math.exp((t * share) / 2);
  }
  return { value, low, high };
}

/** Units times a factor each. */
export function scaledBy({ value, low, high }: Estimate, factor: readonly number[]): Estimate {
  const times = (values: readonly number[]) => values.map((v, u) => v * (factor[u] ?? 0));
  return { value: times(value), low: times(low), high: times(high) };
}

const HALVINGS = 20;

/**
 * How far the ranking can be relied on, 0 to 1: Spearman's correlation of the rankings by two random
 * halves of the probes, brought to all of them (Spearman–Brown), in the mean over halvings.
 * @param factor what the root of the mean is multiplied by
 */
export function reliability(
  probes: Float64Array,
  units: number,
  factor: readonly number[] | undefined,
): number {
  const k = probes.length / units;
  const { uniform } = random(1);
  let sum = 0;
  for (let h = 0; h < HALVINGS; h++) {
    const order = Array.from({ length: k }, (_, p) => ({ p, at: uniform() })).sort(
      (a, b) => a.at - b.at,
    );
    const half = (from: number, to: number) => {
      const of = new Float64Array(units);
      for (const { p } of order.slice(from, to))
        for (let u = 0; u < units; u++) of[u] += probes[p * units + u];
      // Roots rank like what they are roots of, so factors enter squared.
      return factor === undefined ? of : of.map((v, u) => v * factor[u] ** 2);
    };
    const middle = Math.floor(k / 2);
    sum += spearman(half(0, middle), half(middle, 2 * middle));
  }
  const r = Math.max(0, sum / HALVINGS);
  return (2 * r) / (1 + r);
}

/** Rank correlation; 1 where nothing can be ranked. */
export function spearman(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const [x, y] = [ranks(a), ranks(b)];
  const middle = (a.length - 1) / 2;
  let [xy, xx, yy] = [0, 0, 0];
  x.forEach((r, i) => {
    xy += (r - middle) * (y[i] - middle);
    xx += (r - middle) ** 2;
    yy += (y[i] - middle) ** 2;
  });
  return xx > 0 && yy > 0 ? xy / Math.sqrt(xx * yy) : 1;
}

/** 0 for the smallest; ties share their mean rank. */
function ranks(values: ArrayLike<number>): Float64Array {
  const order = Array.from({ length: values.length }, (_, i) => i).sort(
    (a, b) => values[a] - values[b],
  );
  const result = new Float64Array(values.length);
  for (let from = 0, to = 0; from < order.length; from = to) {
    while (to < order.length && values[order[to]] === values[order[from]]) to++;
    for (let i = from; i < to; i++) result[order[i]] = (from + to - 1) / 2;
  }
  return result;
}
