import type { Tensor } from "../ir/tensor.ts";
import { size } from "../ir/tensor.ts";

/** Weights as blocks of `taps` numbers, one for each unit and each input that it reads. */
export interface Rows {
  readonly data: Tensor["data"];
  readonly units: number;
  readonly inputs: number;
  readonly taps: number;
  /** Units and inputs of a group only meet each other; 1 for all but grouped convolutions. */
  readonly groups: number;
  /** Distances in `data`. Within a group units (or inputs) are counted from the group's first. */
  readonly step: { readonly unit: number; readonly input: number; readonly tap: number };
  readonly local: "unit" | "input";
}

/** [units, inputs / groups, taps…], as in Conv and in a Gemm with transB. */
export function byUnit({ shape, data }: Tensor, groups = 1): Rows {
  const [units = 1, own = 1] = shape;
  const taps = size(shape.slice(2));
  const step = { unit: own * taps, input: taps, tap: 1 };
  return { data, units, inputs: own * groups, taps, groups, step, local: "input" };
}

/** [inputs, units / groups, taps…], as in ConvTranspose and MatMul. */
export function byInput({ shape, data }: Tensor, groups = 1): Rows {
  const [inputs = 1, own = 1] = shape;
  const taps = size(shape.slice(2));
  const step = { unit: taps, input: own * taps, tap: 1 };
  return { data, units: own * groups, inputs, taps, groups, step, local: "unit" };
}

/** [taps…, inputs, units]: kernels that are stored channels last. */
export function lastUnit({ shape, data }: Tensor): Rows {
  const units = shape.at(-1)!;
  const inputs = shape.at(-2) ?? 1;
  const step = { unit: 1, input: units, tap: inputs * units };
  const taps = size(shape.slice(0, -2));
  return { data, units, inputs, taps, groups: 1, step, local: "input" };
}

/** [directions, gates · units, inputs] of recurrent layers: a tap is a gate of a direction. */
export function byGate({ shape, data }: Tensor, units: number): Rows {
  const [, , inputs = 1] = shape;
  const step = { unit: inputs, input: 1, tap: units * inputs };
  const taps = size(shape) / Math.max(1, units * inputs);
  return { data, units, inputs, taps, groups: 1, step, local: "input" };
}

/** The inputs that a unit reads: [from, to). */
export function readBy(rows: Rows, unit: number): readonly [from: number, to: number] {
  const each = rows.inputs / rows.groups;
  const group = Math.floor(unit / (rows.units / rows.groups));
  return [group * each, (group + 1) * each];
}

/** Where the block of a unit and an input that it reads begins. */
export function blockAt(rows: Rows, unit: number, input: number): number {
  const { step, local, groups } = rows;
  return local === "input"
    ? unit * step.unit + (input % (rows.inputs / groups)) * step.input
    : (unit % (rows.units / groups)) * step.unit + input * step.input;
}
