import type { Value } from "../../../ir/graph.ts";
import { known } from "../../../ir/tensor.ts";
import { InvalidNode } from "../../../ops/operator.ts";
import type { Held } from "../held.ts";
import { type Layer, type Lower, Unsupported } from "../layer.ts";
import { activate } from "./activations.ts";

/** Whether the layer's maps have their channels last, as they have unless it says otherwise. */
export const channelsLast = (layer: Layer): boolean =>
  layer.text("data_format", "channels_last") !== "channels_first";

/** The input with its channels behind the batch, whichever way the layer takes it. */
export const maps = (layer: Layer, x: Held = layer.input): Value =>
  channelsLast(layer) ? layer.first(x) : layer.plain(x);

/** A result with its channels behind the batch. */
export const mapsOut = (layer: Layer, value: Value): Held => ({
  value,
  first: channelsLast(layer) && value.shape.length > 2,
});

/** Strides, dilations and padding of a convolution over some axes. */
function window(layer: Layer, axes: number, kernel: readonly number[]) {
  const strides = layer.numbers("strides", axes, 1);
  const dilations = layer.numbers("dilation_rate", axes, 1);
  const padding = layer.text("padding", "valid");
  const base = { strides, dilations };
  if (padding === "same") return { ...base, auto_pad: "SAME_UPPER" };
  if (padding === "valid") return base;
  if (padding !== "causal" || axes !== 1) throw new Unsupported(`its padding ${padding}`);
  return { ...base, pads: [(kernel[0] - 1) * dilations[0], 0] };
}

const spatial = (axes: number): readonly number[] => Array.from({ length: axes }, (_, i) => i);

/** Kernels are stored as […, in, out]; a Conv takes [out, in, …]. */
const kernelOf = (layer: Layer, stored: Value, axes: number): Value =>
  layer.transpose(stored, [axes + 1, axes, ...spatial(axes)]);

const convolution =
  (axes: number): Lower =>
  (layer) => {
    layer.rank(layer.input, [axes + 2]);
    const bias = layer.flag("use_bias", true);
    const [kernel, b] = layer.variables(bias ? ["kernel", "bias"] : ["kernel"]);
    needRank(kernel, axes + 2);
    const attrs = {
      ...window(layer, axes, known(kernel.shape)),
      group: layer.real("groups", 1),
    };
    const y = layer.op("Conv", attrs, maps(layer), kernelOf(layer, kernel, axes), b);
    return activate(layer, mapsOut(layer, y), layer.config.activation);
  };

/** A kernel [..., channels, multiplier] as one of a grouped Conv, [channels·multiplier, 1, …]. */
function depthwiseKernel(layer: Layer, stored: Value, axes: number): Value {
  needRank(stored, axes + 2);
  const shape = known(stored.shape);
  const turned = layer.transpose(stored, [axes, axes + 1, ...spatial(axes)]);
  return shape[axes + 1] === 1 ? turned : layer.reshape(turned, [-1, 1, ...shape.slice(0, axes)]);
}

const depthwise =
  (axes: number): Lower =>
  (layer) => {
    layer.rank(layer.input, [axes + 2]);
    const bias = layer.flag("use_bias", true);
    // Keras 2 calls it depthwise_kernel; positions are the same.
    const [kernel, b] = layer.variables(bias ? ["depthwise_kernel", "bias"] : ["depthwise_kernel"]);
    const group = known(kernel.shape)[axes];
    const attrs = { ...window(layer, axes, known(kernel.shape)), group };
    const y = layer.op("Conv", attrs, maps(layer), depthwiseKernel(layer, kernel, axes), b);
    return activate(layer, mapsOut(layer, y), layer.config.activation);
  };

const separable =
  (axes: number): Lower =>
  (layer) => {
    layer.rank(layer.input, [axes + 2]);
    const bias = layer.flag("use_bias", true);
    const names = ["depthwise_kernel", "pointwise_kernel", ...(bias ? ["bias"] : [])];
    const [depth, point, b] = layer.variables(names);
    const group = known(depth.shape)[axes];
    const attrs = { ...window(layer, axes, known(depth.shape)), group };
    const inner = layer.op("Conv", attrs, maps(layer), depthwiseKernel(layer, depth, axes));
    const y = layer.op("Conv", {}, inner, kernelOf(layer, point, axes), b);
    return activate(layer, mapsOut(layer, y), layer.config.activation);
  };

/** Kernels are stored as […, out, in]. Keras makes the output stride·length long where padding is "same". */
const transposed =
  (axes: number): Lower =>
  (layer) => {
    layer.rank(layer.input, [axes + 2]);
    const bias = layer.flag("use_bias", true);
    const [kernel, b] = layer.variables(bias ? ["kernel", "bias"] : ["kernel"]);
    needRank(kernel, axes + 2);
    const x = maps(layer);
    const strides = layer.numbers("strides", axes, 1);
    const dilations = layer.numbers("dilation_rate", axes, 1);
    const extra =
      layer.config.output_padding === undefined || layer.config.output_padding === null
        ? undefined
        : layer.numbers("output_padding", axes, 0);
    const padding = layer.text("padding", "valid");
    const ends = spatial(axes).map((d) => {
      const n = x.shape[d + 2];
      if (typeof n !== "number") throw new Unsupported("maps of no fixed size");
      const reach = (known(kernel.shape)[d] - 1) * dilations[d] + 1;
      const full = (n - 1) * strides[d] + reach;
      const same = padding === "same";
      const wanted =
        extra === undefined
          ? n * strides[d] + (same ? 0 : Math.max(reach - strides[d], 0))
          : full - (same ? 2 * Math.floor(reach / 2) : 0) + extra[d];
      const cut = Math.max(full - wanted, 0);
      return {
        before: Math.floor(cut / 2),
        after: Math.ceil(cut / 2),
        more: Math.max(wanted - full, 0),
      };
    });
    const attrs = {
      strides,
      dilations,
      pads: [...ends.map((e) => e.before), ...ends.map((e) => e.after)],
      output_padding: ends.map((e) => e.more),
    };
    const y = layer.op("ConvTranspose", attrs, x, kernelOf(layer, kernel, axes), b);
    return activate(layer, mapsOut(layer, y), layer.config.activation);
  };

function needRank(kernel: Value, rank: number): void {
  if (kernel.shape.length !== rank)
    throw new InvalidNode(`its kernel has rank ${kernel.shape.length}, not ${rank}`);
}

export const convolutionLayers: Readonly<Record<string, Lower>> = {
  Conv1D: convolution(1),
  Conv2D: convolution(2),
  Conv3D: convolution(3),
  Convolution1D: convolution(1),
  Convolution2D: convolution(2),
  Convolution3D: convolution(3),
  DepthwiseConv1D: depthwise(1),
  DepthwiseConv2D: depthwise(2),
  SeparableConv1D: separable(1),
  SeparableConv2D: separable(2),
  Conv1DTranspose: transposed(1),
  Conv2DTranspose: transposed(2),
  Conv3DTranspose: transposed(3),
};
