import type { Value } from "../../../ir/graph.ts";
import { type Layer, type Lower, Unsupported } from "../layer.ts";
import { maps, mapsOut } from "./convolutions.ts";

const pool =
  (type: "MaxPool" | "AveragePool", axes: number): Lower =>
  (layer) => {
    layer.rank(layer.input, [axes + 2]);
    const kernel = layer.numbers("pool_size", axes, 2);
    const { strides: given } = layer.config;
    const strides =
      given === undefined || given === null ? kernel : layer.numbers("strides", axes, 1);
    const padding = layer.text("padding", "valid");
    if (padding !== "same" && padding !== "valid") throw new Unsupported(`its padding ${padding}`);
    const auto = padding === "same" ? { auto_pad: "SAME_UPPER" } : {};
    const y = layer.op(type, { kernel_shape: kernel, strides, ...auto }, maps(layer));
    return mapsOut(layer, y);
  };

const global =
  (largest: boolean, axes: number): Lower =>
  (layer) => {
    layer.rank(layer.input, [axes + 2]);
    layer.unmasked();
    const x = maps(layer);
    const y = largest
      ? layer.op("ReduceMax", { keepdims: 1 }, x, layer.ints(x.shape.slice(2).map((_, i) => i + 2)))
      : layer.op("GlobalAveragePool", {}, x);
    return layer.flag("keepdims", false)
      ? mapsOut(layer, y)
      : { value: vector(layer, y), first: false };
  };

const vector = (layer: Layer, y: Value): Value => layer.op("Flatten", { axis: 1 }, y);

const dimensions = [1, 2, 3];

export const poolingLayers: Readonly<Record<string, Lower>> = Object.fromEntries(
  dimensions.flatMap((d) => [
    [`MaxPooling${d}D`, pool("MaxPool", d)],
    [`MaxPool${d}D`, pool("MaxPool", d)],
    [`AveragePooling${d}D`, pool("AveragePool", d)],
    [`AvgPool${d}D`, pool("AveragePool", d)],
    [`GlobalAveragePooling${d}D`, global(false, d)],
    [`GlobalAvgPool${d}D`, global(false, d)],
    [`GlobalMaxPooling${d}D`, global(true, d)],
    [`GlobalMaxPool${d}D`, global(true, d)],
  ]),
);
