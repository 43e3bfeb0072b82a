import { defined } from "../defined.ts";
import { type InputFix, type Problem, problem } from "../problem.ts";
import type { Batch } from "./dataset.ts";
import type { Arrangement, Channels } from "./images/arrange.ts";
import { product } from "./records.ts";

/** How stored values become what the model was trained on, as in kaibo.json's "input". */
export interface Preprocess extends Arrangement {
  /** Multiplies every stored value, before mean and std (1/255 is torchvision's ToTensor). */
  readonly scale?: number;
  /** Subtracted per channel after scaling; one value is for all channels. */
  readonly mean?: readonly number[];
  /** Divides per channel after subtracting the mean; one value is for all channels. */
  readonly std?: readonly number[];
  /** Where the model's input has its channels. */
  readonly layout?: "NCHW" | "NHWC";
}

/** How the samples of a dataset go into a model's input. */
export interface Fit {
  readonly kind: "fit";
  /** Of one prepared sample: the model's input without the batch axis. */
  readonly shape: readonly number[];
  /** Whether the channel axis is moved from last to first, from first to last, or not at all. */
  readonly move: "none" | "to-first" | "to-last";
  readonly channels: number;
  /** Whether channels are the first axis of `shape`; else they are the last. */
  readonly channelsFirst: boolean;
}

/**
 * Fits samples of a shape to an input (without batch axis): equal up to axes of length 1, with the
 * channel axis moved, or flat on one side ([28, 28] fits [1, 28, 28], [28, 28, 1] and [784]).
 * Anything else, or a mean or std that fits no channels, is a data-mismatch of `file`.
 * @param pictures the samples are pictures [height, width, channels], which can be resized
 */
export function fitToInput(
  sampleShape: readonly number[],
  inputShape: readonly number[],
  preprocess: Preprocess = {},
  file = "",
  pictures = false,
): Fit | Problem {
  const mismatch = (message: string, fix?: InputFix): Problem => ({
    ...problem("data-mismatch", message, file),
    ...defined({ fix }),
  });
  if (pictures && sampleShape.length === 3 && inputShape.length === 1) {
    const flat = flattened(sampleShape, inputShape, preprocess);
    if (flat !== undefined) return typeof flat === "string" ? mismatch(flat) : flat;
  }
  const move = moveBetween(sampleShape, inputShape);
  if (move === undefined) {
    const expected = `the model expects samples of shape ${show(inputShape)}`;
    const found = `the data has ${show(sampleShape)}`;
    const size = pictures ? sizeOf(sampleShape, inputShape) : undefined;
    if (size === undefined)
      return mismatch(`${expected}, ${found}; choose data of that shape or another model`);
    const key = preprocess.crop === undefined ? "size" : "crop";
    const message = `${expected}, ${found}; set "${key}" to ${show(size)} (--${key} ${size.join(",")})`;
    return mismatch(message, { key, value: size });
  }
  const channelsFirst = channelsAreFirst(inputShape, preprocess, move);
  const channels = channelCount(inputShape, preprocess, channelsFirst);
  const wrong = wrongStatistics(preprocess, channels);
  if (wrong !== undefined) {
    const layout = channelsFirst ? "NHWC" : "NCHW";
    const other = channelCount(inputShape, { ...preprocess, layout }, !channelsFirst);
    const solves = inputShape.length >= 3 && move === "none";
    return solves && wrongStatistics(preprocess, other) === undefined
      ? mismatch(`${wrong}; or set "layout" to "${layout}" (--layout ${layout})`, {
          key: "layout",
          value: layout,
        })
      : mismatch(wrong);
  }
  return { kind: "fit", shape: inputShape, move, channels, channelsFirst };
}

/** count × product(fit.shape) values in the model's layout: (x·scale − mean) / std; the batch's own where nothing changes. */
export function prepare(batch: Batch, fit: Fit, preprocess: Preprocess = {}): Float32Array {
  const { channels, channelsFirst, move } = fit;
  const { scale = 1, mean = [0], std = [1] } = preprocess;
  const plain = scale === 1 && mean.every((v) => v === 0) && std.every((v) => v === 1);
  if (plain && move === "none") return batch.x;
  const size = product(fit.shape);
  const pixels = size / channels;
  const out = new Float32Array(batch.count * size);
  const outFirst = channelsFirst;
  const inFirst = move === "none" ? outFirst : !outFirst;
  for (let c = 0; c < channels; c++) {
    const shift = mean[mean.length === 1 ? 0 : c];
    const divisor = std[std.length === 1 ? 0 : c];
    const inStep = inFirst ? 1 : channels;
    const outStep = outFirst ? 1 : channels;
    for (let sample = 0; sample < out.length; sample += size) {
      let from = sample + (inFirst ? c * pixels : c);
      let to = sample + (outFirst ? c * pixels : c);
      for (let p = 0; p < pixels; p++, from += inStep, to += outStep) {
        out[to] = (batch.x[from] * scale - shift) / divisor;
      }
    }
  }
  return out;
}

/** The channels that an input takes pictures in, where nobody says: one is grey. */
export function channelsFor(input: readonly number[], size?: Arrangement["size"]): Channels {
  if (input.length === 1) {
    if (typeof size === "object") return input[0] === 3 * product(size) ? "rgb" : "grey";
    return Number.isInteger(Math.sqrt(input[0] / 3)) ? "rgb" : "grey";
  }
  const ends = [input[0], input[input.length - 1]];
  return input.length === 2 || (ends.includes(1) && !ends.includes(3)) ? "grey" : "rgb";
}

/** Colour pictures in a flat input: their channels come first or last, which nothing but `layout` tells. */
function flattened(
  sample: readonly number[],
  input: readonly number[],
  preprocess: Preprocess,
): Fit | string | undefined {
  if (product(sample) !== product(input)) return undefined;
  const { layout } = preprocess;
  if (layout === undefined)
    return `the model expects ${product(input)} values in a row, the data has colour pictures ${show(sample)}; say in "layout" (--layout) whether the channels come first (NCHW) or last (NHWC)`;
  const channels = sample[2];
  const wrong = wrongStatistics(preprocess, channels);
  if (wrong !== undefined) return wrong;
  const channelsFirst = layout === "NCHW";
  return {
    kind: "fit",
    shape: input,
    move: channelsFirst ? "to-first" : "none",
    channels,
    channelsFirst,
  };
}

/** The size [height, width] that pictures would fit in; undefined when other lengths differ too. */
function sizeOf(
  sample: readonly number[],
  input: readonly number[],
): readonly number[] | undefined {
  const channels = sample[2] ?? 1;
  if (input.length === 2) return channels === 1 ? input : undefined;
  if (input.length !== 3) return undefined;
  if (input[0] === channels) return input.slice(1);
  return input[2] === channels ? input.slice(0, 2) : undefined;
}

function moveBetween(sample: readonly number[], input: readonly number[]): Fit["move"] | undefined {
  if (product(sample) !== product(input)) return undefined;
  const flat = sample.length <= 1 || input.length <= 1;
  if (flat || same(withoutOnes(sample), withoutOnes(input))) return "none";
  if (sample.length !== input.length || input.length < 3) return undefined;
  if (same([...sample.slice(1), sample[0]], input)) return "to-last";
  if (same([sample[sample.length - 1], ...sample.slice(0, -1)], input)) return "to-first";
  return undefined;
}

function channelsAreFirst(
  input: readonly number[],
  { layout }: Preprocess,
  move: Fit["move"],
): boolean {
  if (move !== "none") return move === "to-first";
  if (layout !== undefined) return layout === "NCHW";
  // Without a word on the layout: channels are few, and ONNX models have them first.
  return !(input.length >= 3 && input[0] > 4 && input[input.length - 1] <= 4);
}

/** A table's features count as channels, so that each has its own mean; a plain matrix has one. */
function channelCount(
  input: readonly number[],
  { layout }: Preprocess,
  channelsFirst: boolean,
): number {
  if (input.length === 0 || (input.length === 2 && layout === undefined)) return 1;
  return channelsFirst ? input[0] : input[input.length - 1];
}

function wrongStatistics({ mean, std }: Preprocess, channels: number): string | undefined {
  for (const [name, values] of [
    ["mean", mean],
    ["std", std],
  ] as const) {
    if (values !== undefined && values.length !== 1 && values.length !== channels) {
      return `${name} has ${values.length} values for ${channels} channels; give one value, or one per channel`;
    }
  }
  return std?.includes(0) ? "std holds 0; give the standard deviation of each channel" : undefined;
}

function withoutOnes(shape: readonly number[]): readonly number[] {
  return shape.filter((dim) => dim !== 1);
}

function same(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((dim, i) => dim === b[i]);
}

function show(shape: readonly number[]): string {
  return `[${shape.join(", ")}]`;
}
