import type { Importance, ImportanceIndex, LayerImportance } from "#protocol/views/importance.ts";
import type { OutputKind } from "../readout.ts";
import type { Moments, Partial } from "./statistics.ts";
import { type TargetFacts, unitOf } from "./targets.ts";

/** Variances below this share of the mean square are rounding of float32 sums, and count as 0. */
const RESOLUTION = 1e-6;
/** σ below this share of the root mean square everywhere: the model is affine in the unit. */
const AFFINE = 1e-3;

export interface Finish {
  readonly data: string;
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
  const affine: string[] = [];
  const measured = targets.map((t, i) => measure(t, partial, partial.moments[i], outputs, affine));
  const labelled = partial.labelled > 0;
  return {
    data: options.data,
    samples: partial.samples,
    outputs: options.outputs,
    ...(labelled ? { accuracy: partial.correct / partial.labelled } : {}),
    layers: targets.flatMap((t, i) =>
      t.layer === "" ? [] : [layer(t, measured[i], options.index)],
    ),
    input: { shape: targets[0].shape, importance: measured[0].ranking.sigma },
    ...(affine.length === 0 ? {} : { note: said(affine) }),
  };
}

const said = (affine: readonly string[]): string =>
  `the outputs are affine in ${affine.join(", ")}: σ is 0 there, the root mean square ranks instead`;

function layer(
  t: TargetFacts,
  { ranking, facts }: Measured,
  asked?: ImportanceIndex,
): LayerImportance {
  const index = asked ?? (t.op === "Conv" ? "gate" : "scaled");
  const { layer: name, op, units, output } = t;
  return { name, op, units, importance: ranking[index], index, ...facts, output };
}

type Measured = ReturnType<typeof measure>;

function measure(t: TargetFacts, partial: Partial, m: Moments, outputs: number, affine: string[]) {
  const n = partial.samples;
  const unit = unitOf(t);
  const spread = deviations(m.sum, m.squares, n);
  const gates = deviations(m.gateSum, m.gateSquares, n);
  // Of the outputs' own layer it needs no saying: ∂y/∂y is 1.
  if (spread.constant && !t.output) affine.push(t.layer === "" ? "the input" : t.layer);
  const sigma = perUnit(spread.deviation, t, outputs, unit);
  const gate = sumOutputs(gates.deviation, t.layer === "" ? 0 : t.units, outputs);
  const deviation = activationDeviation(t, m, n, unit);
  const byDeviation = (values: readonly number[]) => values.map((s, u) => s * (deviation[u] ?? 0));
  // Where σ vanishes throughout, the report's second choice ranks the units: the root mean square.
  const rms = spread.constant ? perUnit(spread.rms, t, outputs, unit) : sigma;
  const ranking: Readonly<Record<ImportanceIndex, readonly number[]>> = {
    sigma: rms,
    gate: gates.constant ? sumOutputs(gates.rms, t.units, outputs) : gate,
    scaled: byDeviation(rms),
  };
  const positions = t.elements / t.units;
  const facts = {
    sigma,
    gate,
    scaled: byDeviation(sigma),
    meanAbs: perUnit(m.absolute, t, outputs, unit).map((s) => s / n),
    meanSquare: perUnit(m.squares, t, outputs, unit).map((s) => s / n),
    active: perUnit(m.active, t, 1, unit).map((s) => s / (n * positions)),
    deviation,
    contribution: contributions(m, t, partial),
  };
  return { ranking, facts };
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
function activationDeviation(
  t: TargetFacts,
  m: Moments,
  n: number,
  unit: (e: number) => number,
): number[] {
  const count = (n * t.elements) / t.units;
  const mean = perUnit(m.activation, t, 1, unit).map((s) => s / count);
  const square = perUnit(m.activationSquares, t, 1, unit).map((s) => s / count);
  return mean.map((a, u) => {
    const variance = square[u] - a * a;
    return variance > RESOLUTION * square[u] ? Math.sqrt(variance) : 0;
  });
}

function contributions(m: Moments, t: TargetFacts, { classCounts }: Partial): number[][] {
  const labelled = classCounts.some((count) => count > 0);
  if (!labelled || m.contribution.length === 0 || t.layer === "") return [];
  return Array.from(classCounts, (count, c) =>
    Array.from({ length: t.units }, (_, u) =>
      count === 0 ? 0 : m.contribution[c * t.units + u] / count,
    ),
  );
}
