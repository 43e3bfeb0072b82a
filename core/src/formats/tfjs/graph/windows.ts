import { known, type Shape } from "../../../ir/tensor.ts";
import { InvalidNode } from "../../../ops/operator.ts";
import type { Call } from "./call.ts";

export const isChannelsLast = (call: Call): boolean =>
  !call.attributes.text("data_format", "NHWC").toUpperCase().startsWith("NC");

/** An attribute with an entry for each axis: those of the spatial axes. */
export function listed(call: Call, name: string, rank: number, last: boolean): readonly number[] {
  const all = call.attributes.ints(name);
  if (all.length === 0) return new Array<number>(rank - 2).fill(1);
  if (all.length !== rank)
    throw new InvalidNode(`${name} has ${all.length} entries for an input of rank ${rank}`);
  const spatial = last ? all.slice(1, -1) : all.slice(2);
  if (spatial.some((n) => n < 1)) throw new InvalidNode(`${name} has an entry below 1`);
  return spatial;
}

export const sameStride = (strides: readonly number[], stride: number): boolean =>
  strides.every((s) => s === stride);

export interface Window {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
}

/** Zeros before each spatial axis, then after each. SAME puts the odd one after. */
export function padding(
  call: Call,
  spatial: Shape,
  window: Window,
  last: boolean,
): readonly number[] {
  const mode = call.attributes.text("padding", "VALID").toUpperCase();
  const rank = spatial.length;
  if (mode === "VALID") return new Array<number>(2 * rank).fill(0);
  if (mode === "EXPLICIT") {
    const all = call.attributes.ints("explicit_paddings");
    if (all.length !== 2 * (rank + 2))
      throw new InvalidNode("explicit_paddings do not fit the input");
    const from = last ? 1 : 2;
    const axes = spatial.map((_, i) => 2 * (from + i));
    return [...axes.map((a) => all[a]), ...axes.map((a) => all[a + 1])];
  }
  if (mode !== "SAME") throw new InvalidNode(`padding ${mode} is unknown`);
  if (spatial.some((n) => typeof n === "string"))
    throw new InvalidNode("the size of the image is not known: its padding depends on it");
  const total = known(spatial).map((n, i) => {
    const reach = window.dilations[i] * (window.kernel[i] - 1) + 1;
    return Math.max(0, (Math.ceil(n / window.strides[i]) - 1) * window.strides[i] + reach - n);
  });
  return [...total.map((t) => Math.floor(t / 2)), ...total.map((t) => Math.ceil(t / 2))];
}
