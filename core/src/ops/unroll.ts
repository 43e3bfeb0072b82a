import { constant, type Value } from "../ir/graph.ts";
import { known, tensor } from "../ir/tensor.ts";
import { add } from "./add.ts";
import { cast } from "./cast.ts";
import { clip } from "./clip.ts";
import { concat } from "./concat.ts";
import { greater } from "./greater.ts";
import { filled, literal } from "./literal.ts";
import { matMul } from "./matMul.ts";
import type { Activation } from "./recurrentActivations.ts";
import { reshapeTo } from "./reshape.ts";
import { reverseSequence } from "./reverseSequence.ts";
import { reverse, slice } from "./slice.ts";
import { split } from "./split.ts";
import { transpose } from "./transpose.ts";
import { where } from "./where.ts";

export interface State {
  readonly h: Value;
  /** Of a cell with memory. */
  readonly c?: Value;
}

/** One direction of a layer: its parameters and how a step uses them. */
export interface CellParameters {
  /** R transposed: [H, G·H]. */
  readonly recurrent: Value;
  /** The second half of B, [G·H]. */
  readonly bias: Value | undefined;
  /** P, [3·H]. */
  readonly peepholes: Value | undefined;
  readonly hidden: number;
  /** The activations, on clipped arguments. */
  readonly f: readonly Activation[];
}

/** One step: from X·Wᵀ + bias, [B, G·H], and the state before. */
export type Cell = (parameters: CellParameters, x: Value, before: State) => State;

interface Layer {
  /** The only direction goes backwards; with two, the second does. */
  readonly reverse: boolean;
  readonly cell: Cell;
  readonly activations: readonly (readonly Activation[])[];
  readonly memory: boolean;
  readonly clip: number | undefined;
}

/** The recurrence, written out over the steps of X: Y, Y_h and, with memory, Y_c. */
export function unroll(inputs: readonly (Value | undefined)[], layer: Layer): readonly Value[] {
  const runs = layer.activations.map((_, d) =>
    runDirection(inputs, layer, d, layer.reverse || d === 1),
  );
  const together = (axis: number, parts: readonly Value[]) =>
    parts.length === 1 ? parts[0] : concat({ axis }, ...parts);
  const [steps, batch, hidden] = known(runs[0].all.shape);
  const lasts = (pick: (state: State) => Value) =>
    together(
      0,
      runs.map((r) => reshapeTo(pick(r.last), [1, batch, hidden])),
    );
  const y = together(
    1,
    runs.map((r) => reshapeTo(r.all, [steps, 1, batch, hidden])),
  );
  const h = lasts((s) => s.h);
  return layer.memory ? [y, h, lasts((s) => s.c!)] : [y, h];
}

function runDirection(
  [x, w, r, b, lengths, h0, c0, p]: readonly (Value | undefined)[],
  layer: Layer,
  d: number,
  backwards: boolean,
): { all: Value; last: State } {
  const [steps, batch] = known(x!.shape);
  const [, rows, features] = known(w!.shape);
  const hidden = known(r!.shape)[2];
  const turned = (v: Value): Value => {
    if (!backwards) return v;
    if (lengths === undefined) return reverse(v, [0]);
    return reverseSequence({}, v, cast({ to: "int64" }, lengths));
  };
  const of = (v: Value | undefined, shape: readonly number[]) =>
    v && reshapeTo(slice({ axes: [0], starts: [d], ends: [d + 1] }, v), shape);
  const weights = transpose({ perm: [1, 0] }, of(w, [rows, features]));
  const bias = of(b, [2 * rows]);
  const half = (from: number) =>
    bias && slice({ axes: [0], starts: [from * rows], ends: [(from + 1) * rows] }, bias);
  const product = matMul({}, reshapeTo(turned(x!), [steps * batch, features]), weights);
  const driven = reshapeTo(addTo(product, half(0)), [steps, batch, rows]);
  const bound = (v: Value): Value =>
    layer.clip === undefined ? v : clip({}, v, literal(v, -layer.clip), literal(v, layer.clip));
  const parameters: CellParameters = {
    recurrent: transpose({ perm: [1, 0] }, of(r, [rows, hidden])),
    bias: half(1),
    peepholes: of(p, [3 * hidden]),
    hidden,
    f: layer.activations[d].map((f) => (v: Value) => f(bound(v))),
  };
  const start = (v: Value | undefined) => of(v, [batch, hidden]) ?? filled(x!, [batch, hidden], 0);
  let state: State = layer.memory ? { h: start(h0), c: start(c0) } : { h: start(h0) };
  const all: Value[] = [];
  // The parts of a Split give their cotangents back together: slices would give one tensor each.
  const each = steps === 0 ? [] : split.node({ axis: 0, num_outputs: steps }, [driven]).outputs;
  for (const [t, now] of each.entries()) {
    const next = layer.cell(parameters, reshapeTo(now, [batch, rows]), state);
    const runs = lengths && longer(lengths, t, batch);
    all.push(reshapeTo(kept(runs, next.h, literal(next.h, 0)), [1, batch, hidden]));
    state = {
      h: kept(runs, next.h, state.h),
      ...(next.c === undefined ? {} : { c: kept(runs, next.c, state.c!) }),
    };
  }
  const whole = all.length === 0 ? filled(x!, [0, batch, hidden], 0) : concat({ axis: 0 }, ...all);
  return { all: turned(whole), last: state };
}

export const addTo = (x: Value, y: Value | undefined): Value =>
  y === undefined ? x : add({}, x, y);

/** One of the blocks of `hidden` columns; a vector counts as a row. */
export function block(v: Value, index: number, hidden: number, count = 1): Value {
  const axes = [v.shape.length - 1];
  return slice({ axes, starts: [index * hidden], ends: [(index + count) * hidden] }, v);
}

/** The blocks of `hidden` columns, in order. */
export const blocks = (v: Value, hidden: number): readonly Value[] =>
  split.node({ axis: 1, num_outputs: known(v.shape)[1] / hidden }, [v]).outputs;

/** Which sequences have a step t, [B, 1]. */
function longer(lengths: Value, t: number, batch: number): Value {
  const step = constant(tensor("int32", [], Int32Array.of(t)));
  return greater({}, reshapeTo(lengths, [batch, 1]), step);
}

const kept = (runs: Value | undefined, next: Value, before: Value): Value =>
  runs === undefined ? next : where({}, runs, next, before);
