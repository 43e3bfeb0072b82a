import type { Importance, ImportanceIndex, LayerImportance } from "#protocol/views/importance.ts";
import { defined } from "../../defined.ts";
import type { OutputKind } from "../readout.ts";
import type { Estimator } from "./estimator.ts";
import { LEVEL, reliability, rootOfMean, scaledBy } from "./interval.ts";
import type { Moments, Partial } from "./statistics.ts";
import { type Refusal, type TargetFacts, unitOf } from "./targets.ts";

/** Variances below this share of the mean square are rounding of float32 sums, and count as 0. */
const RESOLUTION = 1e-6;
/** σ below this share of the root mean square everywhere: the model is affine in the unit. */
const AFFINE = 1e-3;

export interface Finish {
  readonly data: string;
  readonly estimator: Estimator;
  readonly refusals: readonly Refusal[];
  readonly outputs: OutputKind;
  readonly index?: ImportanceIndex;
}

/** Turns the sums over all samples into importance per unit. */
export function finish(
  partial: Partial,
  targets: readonly TargetFacts[],
  outputs: number,
  options: Finish,
): Importance {
  const { estimator, refusals } = options;
  const affine: string[] = [];
  const measured = targets.map((t, i): Measured | undefined => {
    const m = partial.moments[i];
    if (t.refused !== undefined) return undefined;
    return estimator.kind === "exact"
      ? measure(t, partial, m, outputs, affine)
      : estimate(t, partial, m, affine);
  });
  const layers = targets.flatMap((t, i) => {
    const known = measured[i];
    if (known === undefined) return [activityOf(t, partial.moments[i], partial.samples)];
    return t.layer === "" ? [] : [layer(t, known, options.index)];
  });
  const input = targets.findIndex((t) => t.layer === "");
  const refusedLayers = refusals.filter((r) => r.layer !== "");
  const refusedInput = refusals.find((r) => r.layer === "");
  return {
    data: options.data,
    samples: partial.samples,
    outputs: options.outputs,
    estimator: estimator.kind === "exact" ? estimator : { ...estimator, level: LEVEL },
    ...(partial.labelled > 0 ? { accuracy: partial.correct / partial.labelled } : {}),
    layers,
    input: {
      shape: targets[input]?.shape ?? [],
      importance: measured[input]?.ranking.sigma.value ?? [],
      ...intervalOf(measured[input]?.ranking.sigma),
      ...(refusedInput === undefined ? {} : { refused: refusedInput.because }),
    },
    ...(refusedLayers.length === 0 ? {} : { refused: refusedLayers }),
    ...(affine.length === 0 ? {} : { note: said(affine) }),
  };
}

const said = (affine: readonly string[]): string =>
  `the outputs are affine in ${affine.join(", ")}: σ is 0 there, the root mean square ranks instead`;

function layer(
  t: TargetFacts,
  { ranking, facts, reliability }: Measured,
  asked?: ImportanceIndex,
): LayerImportance {
  const index = asked ?? (CHANNELS_FIRST.has(t.op) ? "gate" : "scaled");
  const { layer: name, op, units, output } = t;
  const { value } = ranking[index];
  const relied = reliability?.[index];
  return {
    name,
    op,
    units,
    importance: value,
    index,
    ...facts,
    output,
    ...intervalOf(ranking[index]),
    ...defined({ reliability: relied }),
  };
}

/** A layer without derivatives: how its activations spread ranks its units, and is not their importance. */
function activityOf(t: TargetFacts, m: Moments, n: number): LayerImportance {
  const { layer: name, op, units, output } = t;
  const deviation = activationDeviation(t, m, n);
  const none: readonly number[] = [];
  return {
    ...{ name, op, units, output, index: "activation" },
    importance: deviation,
    ...{ sigma: none, gate: none, scaled: none, meanAbs: none, meanSquare: none },
    active: activeShare(t, m, n),
    deviation,
    contribution: [],
  };
}

/** Layers of filters: their units are maps. */
const CHANNELS_FIRST = new Set(["Conv", "ConvTranspose"]);

const intervalOf = (values: Ranked | undefined) =>
  values?.low === undefined || values.high === undefined
    ? {}
    : { interval: { low: values.low, high: values.high } };

/** Values, with an interval where they are estimates. */
interface Ranked {
  readonly value: readonly number[];
  readonly low?: readonly number[];
  readonly high?: readonly number[];
}

interface Measured {
  readonly ranking: Readonly<Record<ImportanceIndex, Ranked>>;
  readonly facts: Pick<
    LayerImportance,
    "sigma" | "gate" | "scaled" | "meanAbs" | "meanSquare" | "active" | "deviation" | "contribution"
  >;
  readonly reliability?: Readonly<Record<ImportanceIndex, number>>;
}

function measure(
  t: TargetFacts,
  partial: Partial,
  m: Moments,
  outputs: number,
  affine: string[],
): Measured {
  const n = partial.samples;
  const unit = unitOf(t);
  const spread = deviations(m.sum, m.squares, n);
  const gates = deviations(m.gateSum, m.gateSquares, n);
  // Of the outputs' own layer it needs no saying: ∂y/∂y is 1.
  if (spread.constant && !t.output) affine.push(t.layer === "" ? "the input" : t.layer);
  const sigma = perUnit(spread.deviation, t, outputs, unit);
  const gate = sumOutputs(gates.deviation, t.layer === "" ? 0 : t.units, outputs);
  const deviation = activationDeviation(t, m, n);
  const byDeviation = (values: readonly number[]) => values.map((s, u) => s * (deviation[u] ?? 0));
  // Where σ vanishes throughout, the report's second choice ranks the units: the root mean square.
  const rms = spread.constant ? perUnit(spread.rms, t, outputs, unit) : sigma;
  const ranking = {
    sigma: { value: rms },
    gate: { value: gates.constant ? sumOutputs(gates.rms, t.units, outputs) : gate },
    scaled: { value: byDeviation(rms) },
  };
  const facts = {
    sigma,
    gate,
    scaled: byDeviation(sigma),
    meanAbs: perUnit(m.absolute, t, outputs, unit).map((s) => s / n),
    meanSquare: perUnit(m.squares, t, outputs, unit).map((s) => s / n),
    active: activeShare(t, m, n),
    deviation,
    contribution: contributions(m, t, partial),
  };
  return { ranking, facts };
}

/**
 * With probes: outputs (and positions) are combined in quadrature, √Σ_j σ_j². The mean of |∂y_j/∂a|
 * and contributions per class take the outputs one by one and are left out.
 */
function estimate(t: TargetFacts, partial: Partial, m: Moments, affine: string[]): Measured {
  const n = partial.samples;
  const { units } = t;
  const spread = variances(m.sum, m.squares, m.batchSquares, partial, units);
  const gates = variances(m.gateSum, m.gateSquares, m.gateBatchSquares, partial, units);
  if (spread.constant && !t.output) affine.push(t.layer === "" ? "the input" : t.layer);
  const sigma = rootOfMean(spread.variance, units);
  const gate = rootOfMean(gates.variance, t.layer === "" ? 0 : units);
  const deviation = activationDeviation(t, m, n);
  const derivatives = spread.constant ? spread.square : spread.variance;
  const signals = gates.constant ? gates.square : gates.variance;
  const rms = rootOfMean(derivatives, units);
  const own = t.layer !== "";
  return {
    ranking: {
      sigma: rms,
      gate: gates.constant ? rootOfMean(signals, units) : gate,
      scaled: scaledBy(rms, deviation),
    },
    facts: {
      sigma: sigma.value,
      gate: gate.value,
      scaled: scaledBy(sigma, deviation).value,
      meanAbs: [],
      meanSquare: rootOfMean(spread.square, units).value.map((root) => root * root),
      active: activeShare(t, m, n),
      deviation,
      contribution: [],
    },
    ...(own
      ? {
          reliability: {
            sigma: reliability(derivatives, units, undefined),
            gate: reliability(signals, units, undefined),
            scaled: reliability(derivatives, units, deviation),
          },
        }
      : {}),
  };
}

/**
 * Population variances and mean squares, per probe and unit, from sums over the batches that went through
 * the probe: a random share of all. Products of samples are weighted by how likely both are in it (the
 * same batch, or two), so that each probe's variance is unbiased; it may be negative then.
 */
function variances(
  sum: Float64Array,
  squares: Float64Array,
  batchSquares: Float64Array,
  { samples: n, pairs, rowSamples, rowPairs }: Partial,
  units: number,
) {
  const variance = new Float64Array(sum.length);
  const square = new Float64Array(sum.length);
  let varies = false;
  let any = false;
  for (let i = 0; i < sum.length; i++) {
    const row = Math.floor(i / units);
    const [own, ownPairs] = [rowSamples[row], rowPairs[row]];
    if (own === 0) continue;
    const together = pairs / ownPairs;
    const apart = own ** 2 > ownPairs ? (n ** 2 - pairs) / (own ** 2 - ownPairs) : 0;
    const meanSquared =
      (together * batchSquares[i] + apart * (sum[i] ** 2 - batchSquares[i])) / n ** 2;
    square[i] = squares[i] / own;
    const found = square[i] - meanSquared;
    if (square[i] > 0) any = true;
    if (Math.abs(found) > RESOLUTION * square[i]) variance[i] = found;
    if (found > AFFINE ** 2 * square[i]) varies = true;
  }
  return { variance, square, constant: any && !varies };
}

/** Population standard deviations and root mean squares from sums. */
function deviations(sum: Float64Array, squares: Float64Array, n: number) {
  const deviation = new Float64Array(sum.length);
  const rms = new Float64Array(sum.length);
  let varies = false;
  let any = false;
  for (let i = 0; i < sum.length; i++) {
    const mean = sum[i] / n;
    const square = squares[i] / n;
    const variance = square - mean * mean;
    rms[i] = Math.sqrt(square);
    if (square > 0) any = true;
    if (variance > RESOLUTION * square) deviation[i] = Math.sqrt(variance);
    if (deviation[i] > AFFINE * rms[i]) varies = true;
  }
  return { deviation, rms, constant: any && !varies };
}

/** Sums [outputs × elements] over outputs and the unit's positions. */
function perUnit(
  values: Float64Array,
  t: TargetFacts,
  outputs: number,
  unit: (e: number) => number,
): number[] {
  const result = new Array<number>(t.units).fill(0);
  if (values.length === 0) return result;
  for (let j = 0; j < outputs; j++)
    for (let e = 0; e < t.elements; e++) result[unit(e)] += values[j * t.elements + e];
  return result;
}

function sumOutputs(values: Float64Array, units: number, outputs: number): number[] {
  const result = new Array<number>(units).fill(0);
  if (values.length > 0)
    for (let j = 0; j < outputs; j++)
      for (let u = 0; u < units; u++) result[u] += values[j * units + u];
  return result;
}

/** std(a) per unit over samples and positions. */
function activationDeviation({ units, elements }: TargetFacts, m: Moments, n: number): number[] {
  const count = (n * elements) / units;
  return Array.from(m.activation, (sum, u) => {
    const square = m.activationSquares[u] / count;
    const variance = square - (sum / count) ** 2;
    return variance > RESOLUTION * square ? Math.sqrt(variance) : 0;
  });
}

/** Share of samples and positions with a ≠ 0, per unit. */
const activeShare = ({ units, elements }: TargetFacts, { active }: Moments, n: number): number[] =>
  Array.from(active, (count) => (count * units) / (n * elements));

function contributions(m: Moments, t: TargetFacts, { classCounts }: Partial): number[][] {
  const labelled = classCounts.some((count) => count > 0);
  if (!labelled || m.contribution.length === 0 || t.layer === "") return [];
  return Array.from(classCounts, (count, c) =>
    Array.from({ length: t.units }, (_, u) =>
      count === 0 ? 0 : m.contribution[c * t.units + u] / count,
    ),
  );
}
