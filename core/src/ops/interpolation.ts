import type { Row } from "./alongAxis.ts";
import { check } from "./check.ts";

/** How Resize goes along one axis; names and formulas are ONNX's. */
export interface Interpolation {
  readonly mode: string;
  readonly nearest: string;
  readonly place: string;
  readonly cubic: number;
  readonly antialias: boolean;
  readonly excludeOutside: boolean;
}

/** One axis: lengths, the factor between them, and the part of the axis that is shown. */
export interface Along {
  readonly from: number;
  readonly to: number;
  readonly scale: number;
  readonly roi: readonly [number, number];
}

/** The weights of each element of the result; undefined where it lies outside (tf_crop_and_resize). */
export function interpolationRows(how: Interpolation, along: Along): readonly (Row | undefined)[] {
  return Array.from({ length: along.to }, (_, i) => {
    const x = original(how.place, i, along);
    if (how.place === "tf_crop_and_resize" && (x < 0 || x > along.from - 1)) return undefined;
    return row(how, x, along);
  });
}

/** Where element i of the result lies on the original axis. */
function original(place: string, i: number, { from, to, scale, roi }: Along): number {
  const half = (i + 0.5) / scale - 0.5;
  switch (place) {
    case "half_pixel":
      return half;
    case "half_pixel_symmetric":
      return (from / 2) * (1 - to / (scale * from)) + half;
    case "pytorch_half_pixel":
      return to === 1 ? -0.5 : half;
    case "align_corners":
      return to === 1 ? 0 : (i * (from - 1)) / (to - 1);
    case "asymmetric":
      return i / scale;
    case "tf_crop_and_resize":
      return to === 1
        ? ((roi[0] + roi[1]) * (from - 1)) / 2
        : roi[0] * (from - 1) + (i * (roi[1] - roi[0]) * (from - 1)) / (to - 1);
    default:
      check(false, `Resize: coordinate_transformation_mode ${place} is unknown`);
  }
}

function row(how: Interpolation, x: number, { from, scale }: Along): Row {
  const clamped = (i: number) => Math.min(Math.max(i, 0), from - 1);
  if (how.mode === "nearest") return [[clamped(rounded(how.nearest, x)), 1]];
  const shrink = how.antialias ? Math.min(scale, 1) : 1;
  const reach = (how.mode === "linear" ? 1 : 2) / shrink;
  const weight = how.mode === "linear" ? tent : keys(how.cubic);
  const found: [number, number][] = [];
  for (let i = Math.floor(x - reach) + 1; i < x + reach; i++) {
    const outside = i < 0 || i >= from;
    if (!(how.excludeOutside && outside)) found.push([clamped(i), weight((i - x) * shrink)]);
  }
  const sum = found.reduce((total, [, w]) => total + w, 0);
  const normalised = how.excludeOutside || how.antialias;
  return normalised && sum !== 0 ? found.map(([i, w]) => [i, w / sum] as const) : found;
}

const tent = (x: number): number => Math.max(0, 1 - Math.abs(x));

/** Keys 1981: cubic convolution with parameter a. */
const keys = (a: number) => (x: number) => {
  const d = Math.abs(x);
  if (d <= 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  return d < 2 ? ((a * d - 5 * a) * d + 8 * a) * d - 4 * a : 0;
};

function rounded(mode: string, x: number): number {
  switch (mode) {
    case "round_prefer_floor":
      return Math.ceil(x - 0.5);
    case "round_prefer_ceil":
      return Math.floor(x + 0.5);
    case "floor":
      return Math.floor(x);
    case "ceil":
      return Math.ceil(x);
    default:
      check(false, `Resize: nearest_mode ${mode} is unknown`);
  }
}
