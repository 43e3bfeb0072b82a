import type { Shape } from "../ir/tensor.ts";
import { axesOf, check, flag, ints, length, real } from "./check.ts";
import type { Along, Interpolation } from "./interpolation.ts";
import type { Attrs } from "./operator.ts";

/** ONNX's attributes, for the axes that change alone; `scales` or `sizes` has one entry for each. */
export type Interpolated = {
  readonly mode: string;
  readonly axes: readonly number[];
  readonly scales?: readonly number[];
  readonly sizes?: readonly number[];
  /** For tf_crop_and_resize: where the shown part begins on each axis, then where it ends. */
  readonly roi?: readonly number[];
  readonly coordinate_transformation_mode?: string;
  readonly nearest_mode?: string;
  readonly cubic_coeff_a?: number;
  readonly exclude_outside?: number;
  readonly extrapolation_value?: number;
  readonly antialias?: number;
};

const CROP = "tf_crop_and_resize";

/** The attributes with ONNX's defaults. Throws InvalidNode where they do not fit. */
export function howOf(attrs: Interpolated): Interpolation {
  const { mode, nearest_mode, coordinate_transformation_mode: place = "half_pixel" } = attrs;
  check(["nearest", "linear", "cubic"].includes(mode), `Resize: mode ${mode} is unknown`);
  return {
    mode,
    nearest: nearest_mode ?? "round_prefer_floor",
    place,
    cubic: real(attrs.cubic_coeff_a, -0.75, "Resize: cubic_coeff_a"),
    antialias: flag(attrs.antialias, false, "Resize: antialias"),
    excludeOutside: flag(attrs.exclude_outside, false, "Resize: exclude_outside"),
  };
}

/** The axes that change. */
export function alongAxes(shape: Shape, attrs: Interpolated): ReadonlyMap<number, Along> {
  const axes = axesOf(attrs.axes, shape.length, "Resize: axes");
  const { scales, sizes, roi } = attrs;
  check(
    (scales ?? sizes)?.length === axes.length && (scales === undefined || sizes === undefined),
    "Resize: needs either scales or sizes, one for each axis",
  );
  check(roi === undefined || roi.length === 2 * axes.length, "Resize: roi has a wrong length");
  if (sizes !== undefined) ints(sizes, { least: 1 }, "Resize: sizes");
  return new Map(
    axes.map((axis, i) => {
      const from = length(shape[axis], `Resize: axis ${axis}`);
      check(from > 0, `Resize: axis ${axis} is empty`);
      const scale = sizes === undefined ? real(scales![i], 1, "Resize: scales") : sizes[i] / from;
      check(scale > 0, `Resize: scale ${scale} is not positive`);
      // Runtimes multiply in single precision.
      const to = sizes?.[i] ?? Math.floor(Math.fround(from * Math.fround(scale)));
      check(Number.isSafeInteger(to) && to > 0, `Resize: axis ${axis} gets length ${to}`);
      return [axis, { from, to, scale, roi: [roi?.[i] ?? 0, roi?.[axes.length + i] ?? 1] }];
    }),
  );
}

/** ONNX's attributes with every axis that stays as it is left out, and the sizes that a policy gives. */
export function resolved(shape: Shape, given: Attrs): Interpolated {
  const { axes, scales, sizes, roi, keep_aspect_ratio_policy: policy, ...rest } = given;
  const all = axesOf(axes, shape.length, "Resize: axes");
  const { mode = "nearest", coordinate_transformation_mode: place } = given;
  check(typeof mode === "string", "Resize: mode is not a text");
  const numbers = (list: unknown) =>
    Array.isArray(list) ? (list as readonly number[]) : undefined;
  const wanted = sized(shape, all, numbers(sizes), policy);
  const factors = wanted === undefined ? numbers(scales) : undefined;
  check(
    (wanted ?? factors)?.length === all.length,
    "Resize: needs either scales or sizes, one for each axis",
  );
  const changing = all.flatMap((axis, i) => {
    const same = factors === undefined ? wanted![i] === shape[axis] : factors[i] === 1;
    return same && place !== CROP ? [] : [i];
  });
  const pick = <T>(list: readonly T[]) => changing.map((i) => list[i]);
  const shown = numbers(roi);
  const ends = place === CROP && shown !== undefined ? shown : undefined;
  return {
    ...rest,
    mode,
    axes: pick(all),
    ...(factors === undefined ? { sizes: pick(wanted!) } : { scales: pick(factors) }),
    ...(ends && { roi: [...pick(ends), ...pick(ends.slice(all.length))] }),
  };
}

/** keep_aspect_ratio_policy: one scale for all axes, so that none is larger or none smaller than asked. */
function sized(
  shape: Shape,
  axes: readonly number[],
  sizes: readonly number[] | undefined,
  policy: unknown,
): readonly number[] | undefined {
  if (sizes === undefined || policy === undefined || policy === "stretch") return sizes;
  check(
    policy === "not_larger" || policy === "not_smaller",
    `Resize: keep_aspect_ratio_policy ${String(policy)} is unknown`,
  );
  const lengths = axes.map((axis) => length(shape[axis], `Resize: axis ${axis}`));
  const scales = lengths.map((n, i) => sizes[i] / n);
  const scale = policy === "not_larger" ? Math.min(...scales) : Math.max(...scales);
  return lengths.map((n) => Math.round(scale * n));
}
