import { InvalidNode } from "../../../ops/operator.ts";
import { type Layer, type Lower, Unsupported } from "../layer.ts";
import { maps, mapsOut } from "./convolutions.ts";

const wrong = (key: string): never => {
  throw new InvalidNode(`its ${key} cannot be read`);
};

/** [before, after] for each axis, from one number, one per axis or two per axis. */
function ends(layer: Layer, key: string, axes: number): readonly (readonly [number, number])[] {
  const given = layer.config[key] ?? 1;
  // One axis may have its two ends without brackets.
  const value: unknown = axes === 1 && Array.isArray(given) && given.length === 2 ? [given] : given;
  const all = Array.isArray(value) ? value : new Array<unknown>(axes).fill(value);
  if (all.length !== axes) return wrong(key);
  return all.map((v): [number, number] => {
    const [before, after] = Array.isArray(v) ? v : [v, v];
    return Number.isInteger(before) && Number.isInteger(after) ? [before, after] : wrong(key);
  });
}

const zeroPadding =
  (axes: number): Lower =>
  (layer) => {
    layer.rank(layer.input, [axes + 2]);
    const by = ends(layer, "padding", axes);
    const pads = [0, 0, ...by.map(([b]) => b), 0, 0, ...by.map(([, a]) => a)];
    return mapsOut(layer, layer.op("Pad", {}, maps(layer), layer.ints(pads)));
  };

const cropping =
  (axes: number): Lower =>
  (layer) => {
    layer.rank(layer.input, [axes + 2]);
    const by = ends(layer, "cropping", axes);
    const far = Number.MAX_SAFE_INTEGER;
    const y = layer.op(
      "Slice",
      {},
      maps(layer),
      layer.ints(by.map(([before]) => before)),
      layer.ints(by.map(([, after]) => (after === 0 ? far : -after))),
      layer.ints(by.map((_, d) => d + 2)),
    );
    return mapsOut(layer, y);
  };

const MODES: Readonly<Record<string, { mode: string; [key: string]: string | number }>> = {
  nearest: {
    mode: "nearest",
    coordinate_transformation_mode: "half_pixel",
    nearest_mode: "round_prefer_ceil",
  },
  bilinear: { mode: "linear", coordinate_transformation_mode: "half_pixel" },
};

const upSampling =
  (axes: number): Lower =>
  (layer) => {
    layer.rank(layer.input, [axes + 2]);
    const scales = layer.numbers("size", axes, 2);
    const interpolation = layer.text("interpolation", "nearest");
    const attrs =
      interpolation === "nearest"
        ? { mode: "nearest", coordinate_transformation_mode: "asymmetric", nearest_mode: "floor" }
        : MODES[interpolation];
    if (attrs === undefined) throw new Unsupported(`its interpolation ${interpolation}`);
    const y = layer.op("Resize", attrs, maps(layer), undefined, layer.floats([1, 1, ...scales]));
    return mapsOut(layer, y);
  };

const resizing: Lower = (layer) => {
  layer.rank(layer.input, [4]);
  const interpolation = layer.text("interpolation", "bilinear");
  const odd = ["crop_to_aspect_ratio", "pad_to_aspect_ratio", "antialias"].find((key) =>
    layer.flag(key, false),
  );
  const attrs = MODES[interpolation];
  if (odd !== undefined || attrs === undefined)
    throw new Unsupported(odd ?? `its interpolation ${interpolation}`);
  const x = maps(layer);
  const sizes = [layer.length(layer.input, -1), layer.real("height", 1), layer.real("width", 1)];
  // The batch keeps its length, which sizes could not say: scales do.
  const [, , height, width] = x.shape;
  if (typeof height !== "number" || typeof width !== "number")
    throw new Unsupported("images of no fixed size");
  const scales = [1, 1, sizes[1] / height, sizes[2] / width];
  return mapsOut(layer, layer.op("Resize", attrs, x, undefined, layer.floats(scales)));
};

export const resizingLayers: Readonly<Record<string, Lower>> = {
  ZeroPadding1D: zeroPadding(1),
  ZeroPadding2D: zeroPadding(2),
  ZeroPadding3D: zeroPadding(3),
  Cropping1D: cropping(1),
  Cropping2D: cropping(2),
  Cropping3D: cropping(3),
  UpSampling1D: upSampling(1),
  UpSampling2D: upSampling(2),
  UpSampling3D: upSampling(3),
  Resizing: resizing,
};
