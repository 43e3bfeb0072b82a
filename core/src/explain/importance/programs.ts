import { linearize } from "../../autodiff/linearize.ts";
import { blockOf, type Phases, plainPositions, toPhases } from "../../autodiff/phases.ts";
import { stack } from "../../autodiff/stack.ts";
import { type Graph, input, type Value } from "../../ir/graph.ts";
import { known, size } from "../../ir/tensor.ts";
import { abs } from "../../ops/abs.ts";
import { div } from "../../ops/div.ts";
import { matMul } from "../../ops/matMul.ts";
import { mul } from "../../ops/mul.ts";
import { reduceSum } from "../../ops/reduceSum.ts";
import { reshapeTo } from "../../ops/reshape.ts";
import { sub } from "../../ops/sub.ts";
import type { Readout } from "../readout.ts";
import { activationSums } from "./activity.ts";
import type { Measure } from "./statistics.ts";
import type { Measurable, Target } from "./targets.ts";

/** The graphs that one batch goes through. B: batch, S: cotangents run together. */
export interface Programs {
  /**
   * Model inputs, weights [1, B] → z [B, m], then per layer target, watched ones last, Σa, Σ(a−ā)², Σ[a ≠ 0]
   * [1, units], then residuals and, from `gates` on, the values the gates are measured at.
   */
  readonly primal: Graph;
  /** How many outputs of the primal are activation sums. */
  readonly activationSums: number;
  /**
   * Per output or probe: cotangents of y and z [S·B, m], residuals, gate values, signs of the positions
   * [S, length] where probes sum over them, weights [1, B] → `outputs`.
   */
  readonly moments: Graph;
  /** The lengths of those signs. */
  readonly signs: readonly number[];
  /** The same with one cotangent, no signs and weights [classes, B]; absent without contributions. */
  readonly contribution: Graph | undefined;
  /** What each output of `moments` is: [S, 1, n]. */
  readonly outputs: readonly MomentOutput[];
  readonly stacked: number;
}

export interface MomentOutput {
  readonly target: number;
  readonly key: "sum" | "squares" | "absolute" | "gateSum" | "gateSquares";
  /** n. */
  readonly length: number;
  /** Squares about the mean of the batch; the output before this one is the sum. */
  readonly centred?: boolean;
  /** Where each of the n elements belongs, when they are not in the target's own order. */
  readonly positions?: Int32Array;
}

/** Elements up to which derivatives are summed about the batch mean. */
const CENTRED = 256;

export function programs(
  graph: Graph,
  { y, z }: Readout,
  { targets, watched }: Pick<Measurable, "targets" | "watched">,
  measures: readonly Measure[],
  stacked: number,
  classes: number,
  byProbes: boolean,
): Programs {
  const batch = known(y.shape)[0];
  const weights = input("weights", "float32", [1, batch]);
  const layers = targets.filter((t) => t.layer !== "");
  const sums = measures.includes("activity")
    ? [...layers, ...watched].flatMap((t) => activationSums(t, weights))
    : [];
  const wantsGate = measures.includes("gate");
  const gates = wantsGate ? layers.map((t) => t.gate) : [];
  const points = [...targets.map((t) => t.value), ...gates];

  const linear = linearize(graph, [y, z], points, [z, ...sums]);
  const wide = stack(linear.transposed, 2, stacked);
  const used = wide === undefined ? 1 : stacked;
  // The activations that gates multiply are laid out like the derivatives they meet.
  const gateValues = gates.map((g, k) => {
    const phases = linear.phases[targets.length + k];
    return phases === undefined ? g : toPhases(g, phases);
  });
  const activations = gateValues.map((g, i) => input(`gate${i}`, g.dtype, g.shape));

  const outputs: MomentOutput[] = [];
  const values: Value[] = [];
  const signs = new Map<number, Value>();
  const signsOf = (length: number): Value => {
    const known = signs.get(length);
    if (known !== undefined) return known;
    const made = input(`signs${length}`, "float32", [used, length]);
    signs.set(length, made);
    return made;
  };
  const derived = (wide ?? linear.transposed).outputs;
  targets.forEach((t, i) => {
    const phases = linear.phases[i];
    const projected = byProbes && t.elements > t.units;
    const g = projected
      ? signedSum(derived[i], signsOf(t.elements / t.units), t, phases, [used, batch])
      : reshapeTo(derived[i], [used, batch, t.elements]);
    const length = projected ? t.units : t.elements;
    const order = phases === undefined || projected ? {} : { positions: plainPositions(phases) };
    if (measures.includes("sigma")) {
      // Two more passes: for large targets they would cost as much as the squares themselves.
      const centred = projected || t.elements <= CENTRED;
      outputs.push(
        { target: i, key: "sum", length, ...order },
        { target: i, key: "squares", length, centred, ...order },
      );
      values.push(...(centred ? centredSums(g, weights) : plainSums(g, weights)));
    }
    if (measures.includes("meanAbs") && !byProbes) {
      outputs.push({ target: i, key: "absolute", length, ...order });
      values.push(matMul({}, weights, abs({}, g)));
    }
  });
  gates.forEach((_, k) => {
    const target = targets.indexOf(layers[k]);
    const at = targets.length + k;
    const h = gateDerivative(derived[at], activations[k], layers[k], linear.phases[at], [
      used,
      batch,
    ]);
    const length = layers[k].units;
    outputs.push(
      { target, key: "gateSum", length },
      { target, key: "gateSquares", length, centred: true },
    );
    values.push(...centredSums(h, weights));
  });
  const graphOf = (
    inputs: readonly Value[],
    others: readonly Value[],
    results: readonly Value[],
  ): Graph => ({ inputs: [...inputs, ...activations, ...others], outputs: results });
  return {
    primal: {
      inputs: [...linear.primal.inputs, weights],
      outputs: [...linear.primal.outputs, ...gateValues],
    },
    activationSums: sums.length,
    moments: graphOf((wide ?? linear.transposed).inputs, [...signs.values(), weights], values),
    signs: [...signs.keys()],
    contribution: gates.length > 0 && classes > 0 ? contribution() : undefined,
    outputs,
    stacked: used,
  };

  function contribution(): Graph {
    const perClass = input("classWeights", "float32", [classes, batch]);
    const results = gates.map((_, k) => {
      const at = targets.length + k;
      const g = linear.transposed.outputs[at];
      return matMul(
        {},
        perClass,
        gateDerivative(g, activations[k], layers[k], linear.phases[at], [1, batch]),
      );
    });
    return graphOf(linear.transposed.inputs, [perClass], results);
  }
}

/** Σv and Σv² over the batch, weighted. */
const plainSums = (v: Value, weights: Value): Value[] => [
  matMul({}, weights, v),
  matMul({}, weights, mul({}, v, v)),
];

/** Σv and Σ(v − v̄)² over the batch, weighted: float32 loses nothing to a large mean. */
function centredSums(v: Value, weights: Value): Value[] {
  const sum = matMul({}, weights, v);
  const mean = div({}, sum, reduceSum({ axes: [1], keepdims: 1 }, weights));
  const deviation = sub({}, v, mean);
  return [sum, matMul({}, weights, mul({}, deviation, deviation))];
}

/** Σ_positions w·∂y/∂a per unit, with signs w [S, positions]: [S, B, units]. */
function signedSum(
  g: Value,
  signs: Value,
  { unitsLast, units, elements }: Target,
  phases: Phases | undefined,
  [stacked, batch]: readonly [number, number],
): Value {
  const n = elements / units;
  if (!unitsLast && phases === undefined) {
    const rows = reshapeTo(g, [stacked, batch * units, n]);
    const summed = matMul({}, rows, reshapeTo(signs, [stacked, n, 1]));
    return reshapeTo(summed, [stacked, batch, units]);
  }
  const copies = phases === undefined ? 1 : blockOf(phases) ** 2;
  const [shape, own] = unitsLast
    ? [
        [batch, n, units, 1],
        [1, n, 1, 1],
      ]
    : [
        [batch, copies, units, n / copies],
        [1, copies, 1, n / copies],
      ];
  const product = mul({}, reshapeTo(g, [stacked, ...shape]), reshapeTo(signs, [stacked, ...own]));
  return reduceSum({ axes: [2, 4], keepdims: 0 }, product);
}

/** h = Σ_positions a·∂y/∂a per unit: derivative by a multiplicative gate on the unit; [S, B, units]. */
function gateDerivative(
  g: Value,
  a: Value,
  { unitsLast, units }: Target,
  phases: Phases | undefined,
  [stacked, batch]: readonly [number, number],
): Value {
  const n = size(known(a.shape)) / batch / units;
  const copies = phases === undefined ? 1 : blockOf(phases) ** 2;
  // Positions stand after the unit, before it (units last), or on both sides (phases).
  const shape = unitsLast ? [batch, n, units, 1] : [batch, copies, units, n / copies];
  const product = mul({}, reshapeTo(g, [stacked, ...shape]), reshapeTo(a, [1, ...shape]));
  return reduceSum({ axes: [2, 4], keepdims: 0 }, product);
}
