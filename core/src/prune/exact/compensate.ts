import type { RedundancyObstacle } from "#protocol/views/redundancy.ts";
import { typeOf } from "../../explain/layers.ts";
import type { Edit, Writing } from "../../formats/edits.ts";
import { isConstant, type Node, type Value } from "../../ir/graph.ts";
import type { Closure } from "../coupling/closure.ts";
import type { Structure } from "../coupling/structure.ts";
import type { Mask } from "../plan.ts";
import { type Affine, kernelAt } from "./affine.ts";
import type { Lanes } from "./lanes.ts";
import { Signals } from "./signals.ts";
import { type View, viewOf } from "./view.ts";
import { writingOf } from "./writing.ts";

export interface ExactOptions {
  /**
   * Whether new weights can be written without loss. Where they are stored as 16-bit floats, only what needs
   * no new weights is exact.
   */
  readonly writes: boolean;
}

/** Why a signal cannot be taken over; "other": nothing is known of it, or who reads it has no weights. */
export type Obstacle = RedundancyObstacle | "other";

/** A removed signal that is masked. */
export interface Left {
  readonly value: Value;
  readonly axis: number;
  readonly index: number;
  readonly because: Obstacle;
}

export interface Compensated {
  /** Those whose signals are not made up for. */
  readonly masks: readonly Mask[];
  readonly writings: readonly Writing[];
  readonly left: readonly Left[];
}

/**
 * What makes up for removed units exactly: the weights of a signal that a surviving unit carries too are
 * added to that unit's, and what a constant one gives is added to the bias. All is decided where signals
 * are summed up, in the order of the graph, with what is masked before already gone. Weights are loaded.
 */
export function compensate(
  structure: Structure,
  closure: Closure,
  masks: readonly Mask[],
  edits: readonly Edit[],
  options: ExactOptions,
): Compensated {
  const weights = new Map<string, Float64Array>();
  const open = new Map(masks.map((m) => [m, m.indices]));
  const left: Left[] = [];
  const atSum = (affine: Affine, x: Lanes): ReadonlySet<number> => {
    const mask = masks.find(
      (m) => m.node === affine.node && m.input === 0 && m.axis === affine.xAxis,
    );
    if (mask === undefined) return new Set();
    const sum = new Sum(structure, affine, x, closure.gone(affine.x, affine.xAxis), options);
    const kept = mask.indices.filter((index) => {
      const because = sum.takeOver(index);
      if (because !== undefined) left.push({ value: affine.x, axis: affine.xAxis, index, because });
      return because !== undefined;
    });
    open.set(mask, kept);
    sum.write(weights);
    return new Set(kept);
  };
  const signals = new Signals(structure, atSum);
  for (const mask of masks) {
    if (sumAt(signals, mask) !== undefined) continue;
    const rest = withoutSum(signals, mask);
    left.push(...rest);
    open.set(
      mask,
      rest.map((l) => l.index),
    );
  }
  return {
    masks: [...open].flatMap(([m, indices]) => (indices.length === 0 ? [] : [{ ...m, indices }])),
    writings: [...weights].map(([tensor, data]) => writingOf(structure, tensor, data, edits)),
    left,
  };
}

/** The masks' signals that could not be taken over if all of them went, by what is known of the graph as it is. */
export function obstacles(
  structure: Structure,
  signals: Signals,
  closure: Closure,
  masks: readonly Mask[],
  options: ExactOptions,
): readonly Left[] {
  return masks.flatMap((mask) => {
    const affine = sumAt(signals, mask);
    if (affine === undefined) return withoutSum(signals, mask);
    const { x, xAxis } = affine;
    const sum = new Sum(structure, affine, signals.into(affine), closure.gone(x, xAxis), options);
    return mask.indices.flatMap((index) => {
      const because = sum.takeOver(index);
      return because === undefined ? [] : [{ value: x, axis: xAxis, index, because }];
    });
  });
}

/** The sum with weights that a mask is before. */
function sumAt(signals: Signals, { node, input, axis }: Mask): Affine | undefined {
  const sum = signals.sum(node);
  return sum?.group === 1 && input === 0 && axis === sum.xAxis ? sum : undefined;
}

/** A signal that is 0 needs no mask anywhere. */
function withoutSum(signals: Signals, { node, input, axis, indices }: Mask): readonly Left[] {
  const value = node.inputs[input]!;
  const lanes = signals.of(value);
  return indices.flatMap((index) =>
    lanes?.axis === axis && lanes.constant[index] === 0
      ? []
      : [{ value, axis, index, because: "other" as const }],
  );
}

/** One place where signals are summed up, and what its weights become. */
class Sum {
  readonly #structure: Structure;
  readonly #affine: Affine;
  readonly #x: Lanes;
  readonly #survivors = new Map<number, number>();
  readonly #options: ExactOptions;
  /** Removed index → surviving one. */
  readonly #merged = new Map<number, number>();
  /** Removed indices whose constants go to the bias. */
  readonly #constants: number[] = [];

  constructor(
    structure: Structure,
    affine: Affine,
    x: Lanes,
    gone: readonly number[],
    options: ExactOptions,
  ) {
    this.#structure = structure;
    this.#affine = affine;
    this.#x = x;
    this.#options = options;
    const removed = new Set(gone);
    x.same.forEach((same, i) => {
      if (!removed.has(i) && !this.#survivors.has(same)) this.#survivors.set(same, i);
    });
  }

  /** Undefined: the index needs no mask. */
  takeOver(index: number): Obstacle | undefined {
    const { weights, borders } = this.#affine;
    const constant = this.#x.constant[index];
    if (constant === 0 || this.#isUnread(index)) return undefined;
    const survivor = this.#survivors.get(this.#x.same[index]);
    const known = survivor !== undefined || !Number.isNaN(constant);
    if (!known) return "other";
    if (!this.#options.writes) return "stored";
    if (survivor !== undefined && weights.stored !== undefined) {
      this.#merged.set(index, survivor);
      return undefined;
    }
    if (Number.isNaN(constant)) return "stored";
    if (borders) return "borders";
    if (biasOf(this.#structure, this.#affine) === undefined) return "bias";
    this.#constants.push(index);
    return undefined;
  }

  #isUnread(index: number): boolean {
    const { units, kernel, weights } = this.#affine;
    for (let m = 0; m < units; m++) {
      const start = kernelAt(this.#affine, m, index);
      for (let k = 0; k < kernel.length; k++)
        if (weights.data[start + kernel[k]] !== 0) return false;
    }
    return true;
  }

  /** Adds to the new numbers of the stored tensors, in their layout before any cut. */
  write(into: Map<string, Float64Array>): void {
    const { units, kernel, weights, scale } = this.#affine;
    if (this.#merged.size > 0) {
      const data = numbersOf(weights, into);
      for (const [from, to] of this.#merged)
        for (let m = 0; m < units; m++) {
          const [a, b] = [from, to].map((c) => kernelAt(this.#affine, m, c));
          for (let k = 0; k < kernel.length; k++)
            data[b + kernel[k]] += weights.data[a + kernel[k]];
        }
    }
    if (this.#constants.length === 0) return;
    const { view, step, factor } = biasOf(this.#structure, this.#affine)!;
    const data = numbersOf(view, into);
    for (const c of this.#constants)
      for (let m = 0; m < units; m++) {
        const start = kernelAt(this.#affine, m, c);
        let sum = 0;
        for (let k = 0; k < kernel.length; k++) sum += weights.data[start + kernel[k]];
        data[m * step] += factor * scale * sum * this.#x.constant[c];
      }
  }
}

function numbersOf({ data, stored }: View, into: Map<string, Float64Array>): Float64Array {
  const known = into.get(stored!) ?? Float64Array.from(data);
  into.set(stored!, known);
  return known;
}

/** A stored number for each unit that is added to its sum, times a factor. */
interface Bias {
  readonly view: View;
  /** From unit to unit, in the view's data. */
  readonly step: number;
  readonly factor: number;
}

/** The bias of the node itself, else that of the Add or the mean of the BatchNormalization behind it. */
function biasOf(structure: Structure, { node, units, unitAxis }: Affine): Bias | undefined {
  const { beta = 1 } = node.attrs as { beta?: number };
  const own = beta === 0 ? undefined : asBias(structure, node.inputs[2], 1, units, 1 / beta);
  if (own !== undefined) return own;
  const [y] = node.outputs;
  const [reader, ...others] = structure.uses.get(y) ?? [];
  if (reader === undefined || others.length > 0 || structure.outputs.has(y)) return undefined;
  if (typeOf(reader) === "BatchNormalization" && reader.inputs[0] === y && unitAxis === 1)
    return asBias(structure, reader.inputs[3], 1, units, -1);
  if (typeOf(reader) !== "Add") return undefined;
  return asBias(structure, addend(reader), y.shape.length - unitAxis, units, 1);
}

const addend = ({ inputs }: Node): Value | undefined => inputs.find((v) => v && isConstant(v));

/** @param back the axis of the units, counted from the end */
function asBias(
  structure: Structure,
  value: Value | undefined,
  back: number,
  units: number,
  factor: number,
): Bias | undefined {
  const view = viewOf(structure, value);
  if (view?.stored === undefined) return undefined;
  const count = view.shape.reduce((a, b) => a * b, 1);
  if (count !== units || view.shape.at(-back) !== units) return undefined;
  return { view, step: view.strides.at(-back)!, factor };
}
