import { type Shape, size, strides as stridesOf } from "../ir/tensor.ts";
import { check, flag, ints, length } from "./check.ts";

/** Attributes that convolutions and pools share. */
export type WindowAttrs = {
  readonly kernel_shape?: readonly number[];
  readonly strides?: readonly number[];
  readonly dilations?: readonly number[];
  /** Before each spatial axis, then after each. */
  readonly pads?: readonly number[];
  readonly auto_pad?: string;
  readonly ceil_mode?: number;
};

/** A window that slides over spatial axes, everything resolved; one entry an axis. */
export interface Windows {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly before: readonly number[];
  readonly after: readonly number[];
  /** Lengths of the axes it slides over. */
  readonly input: readonly number[];
  /** How many positions it takes. */
  readonly output: readonly number[];
}

/** ONNX: output_shape of Conv, MaxPool, AveragePool with pads, auto_pad and ceil_mode. */
export function windows(
  attrs: WindowAttrs,
  spatial: Shape,
  kernelShape: readonly number[] | undefined,
  type: string,
): Windows {
  const { input, kernel, strides, dilations, pads } = common(attrs, spatial, kernelShape, type);
  const up = flag(attrs.ceil_mode, false, `${type}: ceil_mode`);
  const axes = input.map((n, d) => {
    const reach = dilations[d] * (kernel[d] - 1) + 1;
    const same = (Math.ceil(n / strides[d]) - 1) * strides[d] + reach - n;
    const [before, after] = resolve(attrs.auto_pad, pads, d, Math.max(0, same));
    const room = n + before + after - reach;
    check(
      room >= 0,
      `${type}: the kernel reaches ${reach}, the padded axis ${d + 2} is ${n + before + after} long`,
    );
    let output = (up ? Math.ceil(room / strides[d]) : Math.floor(room / strides[d])) + 1;
    if (up && (output - 1) * strides[d] >= n + before) output--;
    check(Number.isSafeInteger(output), `${type}: axis ${d + 2} is too long`);
    return { before, after, output };
  });
  return { input, kernel, strides, dilations, ...columns(axes) };
}

/** The same windows seen from ConvTranspose, whose input has one entry for each position. */
export function transposedWindows(
  attrs: WindowAttrs & {
    readonly output_padding?: readonly number[];
    readonly output_shape?: readonly number[];
  },
  spatial: Shape,
  kernelShape: readonly number[],
): Windows {
  const type = "ConvTranspose";
  const found = common(attrs, spatial, kernelShape, type);
  const { input: positions, kernel, strides, dilations, pads } = found;
  const rank = positions.length;
  const extra = attrs.output_padding ?? positions.map(() => 0);
  ints(extra, { length: rank, least: 0 }, `${type}: output_padding`);
  const wanted = attrs.output_shape;
  if (wanted !== undefined) ints(wanted, { length: rank, least: 1 }, `${type}: output_shape`);
  const axes = positions.map((n, d) => {
    check(n > 0, `${type}: axis ${d + 2} is empty`);
    check(extra[d] < strides[d], `${type}: output_padding must be below the stride`);
    const full = strides[d] * (n - 1) + dilations[d] * (kernel[d] - 1) + 1 + extra[d];
    const same = attrs.auto_pad?.startsWith("SAME_") ? n * strides[d] : undefined;
    const target = wanted?.[d] ?? same;
    const [before, after] =
      target === undefined
        ? resolve(attrs.auto_pad, pads, d, 0)
        : halves(Math.max(0, full - target), attrs.auto_pad !== "SAME_UPPER");
    const output = target ?? full - before - after;
    check(
      output + before + after - full + extra[d] < strides[d],
      `${type}: axis ${d + 2} cannot reach length ${output}`,
    );
    check(
      output > 0 && Number.isSafeInteger(output),
      `${type}: axis ${d + 2} gets length ${output}`,
    );
    return { before, after, output };
  });
  const { before, after, output } = columns(axes);
  return { kernel, strides, dilations, before, after, input: output, output: positions };
}

/** Every attribute spelled out: what gradients hand on. */
export const explicit = ({ strides, dilations, before, after }: Windows) => ({
  strides,
  dilations,
  pads: [...before, ...after],
});

/** One past the last element that the last window reaches, from the start of the padding. */
export const reaches = (w: Windows): readonly number[] =>
  w.output.map((n, d) => (n - 1) * w.strides[d] + w.dilations[d] * (w.kernel[d] - 1) + 1);

/** The windows stand side by side: every element belongs to one at most. */
export const tiles = ({ kernel, strides, dilations, before }: Windows): boolean =>
  kernel.every((k, d) => k === strides[d] && dilations[d] === 1 && before[d] === 0);

/** For each position and each kernel element, the flat spatial offset that it sees; −1 in the padding. */
export function taps(w: Windows): Int32Array {
  const [outer, inner, flat] = [w.output, w.kernel, w.input].map(stridesOf);
  const [positions, elements] = [size(w.output), size(w.kernel)];
  const result = new Int32Array(positions * elements);
  for (let o = 0; o < positions; o++)
    for (let k = 0; k < elements; k++) {
      let at = 0;
      for (let d = 0; d < w.input.length && at >= 0; d++) {
        const position = Math.floor(o / outer[d]) % w.output[d];
        const element = Math.floor(k / inner[d]) % w.kernel[d];
        const i = position * w.strides[d] + element * w.dilations[d] - w.before[d];
        at = i < 0 || i >= w.input[d] ? -1 : at + i * flat[d];
      }
      result[o * elements + k] = at;
    }
  return result;
}

const modes = ["NOTSET", "", "VALID", "SAME_UPPER", "SAME_LOWER"];

function common(
  attrs: WindowAttrs,
  spatial: Shape,
  kernelShape: readonly number[] | undefined,
  type: string,
) {
  const rank = spatial.length;
  check(rank >= 1, `${type}: the input has no spatial axis`);
  const { auto_pad: mode = "NOTSET" } = attrs;
  check(modes.includes(mode), `${type}: auto_pad ${mode} is unknown`);
  const list = (value: unknown, absent: number, least: number, what: string, entries = rank) =>
    ints(value ?? new Array(entries).fill(absent), { length: entries, least }, `${type}: ${what}`);
  const kernel = ints(kernelShape, { length: rank, least: 1 }, `${type}: kernel_shape`);
  if (attrs.kernel_shape !== undefined)
    check(
      list(attrs.kernel_shape, 1, 1, "kernel_shape").join() === kernel.join(),
      `${type}: kernel_shape is not the shape of the weights`,
    );
  return {
    input: spatial.map((d, i) => length(d, `${type}: spatial axis ${i + 2}`)),
    kernel,
    strides: list(attrs.strides, 1, 1, "strides"),
    dilations: list(attrs.dilations, 1, 1, "dilations"),
    pads: list(attrs.pads, 0, 0, "pads", 2 * rank),
  };
}

function resolve(
  mode: string | undefined,
  pads: readonly number[],
  axis: number,
  same: number,
): readonly [number, number] {
  if (mode === "VALID") return [0, 0];
  if (mode?.startsWith("SAME_")) return halves(same, mode === "SAME_LOWER");
  return [pads[axis], pads[axis + pads.length / 2]];
}

/** The odd one goes before or after. */
const halves = (total: number, before: boolean): readonly [number, number] => {
  const [small, large] = [Math.floor(total / 2), Math.ceil(total / 2)];
  return before ? [large, small] : [small, large];
};

const columns = (
  axes: readonly { readonly before: number; readonly after: number; readonly output: number }[],
) => ({
  before: axes.map((a) => a.before),
  after: axes.map((a) => a.after),
  output: axes.map((a) => a.output),
});
