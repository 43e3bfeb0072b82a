import type { Value } from "../ir/graph.ts";
import { type Dim, known, type Shape, size, strides } from "../ir/tensor.ts";
import { applyAlong, transposedAlong } from "./alongAxis.ts";
import { ints, length, needFloat } from "./check.ts";
import { constantInputs } from "./constantInputs.ts";
import { interpolationRows } from "./interpolation.ts";
import { type Attrs, carry, need, type Operator, operator, refuse } from "./operator.ts";
import { pad } from "./pad.ts";
import { reduceSum } from "./reduceSum.ts";
import { reshapeTo } from "./reshape.ts";
import { alongAxes, howOf, type Interpolated, resolved } from "./resizeAttrs.ts";

/** Each element `scales` times along every axis: nearest-neighbour upsampling by whole factors. */
type Repeated = { readonly mode?: undefined; readonly scales: readonly number[] };
export type ResizeAttrs = Repeated | Interpolated;

const nearest: Attrs = {
  mode: "nearest",
  coordinate_transformation_mode: "asymmetric",
  nearest_mode: "floor",
};
const inputs = constantInputs("Resize", [
  { attr: "roi", input: 1, dtype: "float32" },
  { attr: "scales", input: 2, dtype: "float32" },
  { attr: "sizes", input: 3 },
]);

export const resize: Operator<ResizeAttrs> = operator<ResizeAttrs>({
  type: "Resize",
  floatAttrs: ["cubic_coeff_a", "extrapolation_value"],
  infer(values, attrs) {
    const x = need(values, 0, "Resize");
    const { dtype, shape } = x;
    if (attrs.mode === undefined) {
      const scales = ints(attrs.scales, { length: shape.length, least: 1 }, "Resize: scales");
      const scaled = shape.map(
        (n, d): Dim => (scales[d] === 1 ? n : length(n, `Resize: axis ${d}`) * scales[d]),
      );
      return [{ dtype, shape: scaled }];
    }
    if (attrs.mode !== "nearest") needFloat(x, `Resize: mode ${attrs.mode}`);
    howOf(attrs);
    const lengths = alongAxes(shape, attrs);
    return [{ dtype, shape: shape.map((n, d): Dim => lengths.get(d)?.to ?? n) }];
  },
  evaluate([x], attrs, [{ dtype, shape }]) {
    if (attrs.mode === undefined) return [{ dtype, shape, data: repeated(x!, attrs, shape) }];
    const lengths = known(x!.shape).slice();
    let data: Float64Array = Float64Array.from(x!.data);
    const outside = new Set<number>();
    const own = strides(shape);
    for (const [axis, rows] of rowsOf(x!.shape, attrs)) {
      data = applyAlong(
        data,
        lengths,
        axis,
        rows.map((row) => row ?? []),
      );
      lengths[axis] = rows.length;
      for (let i = 0; i < size(shape); i++)
        if (rows[Math.floor(i / own[axis]) % shape[axis]] === undefined) outside.add(i);
    }
    for (const i of outside) data[i] = attrs.extrapolation_value ?? 0;
    return [{ dtype, shape, data }];
  },
  /** The transposed interpolation, axis by axis. */
  gradient([ct], { inputs: [x], attrs }) {
    const shape = known(x!.shape);
    if (attrs.mode !== undefined) {
      let result = ct!;
      for (const [axis, rows] of rowsOf(shape, attrs))
        result = transposedAlong(
          result,
          axis,
          rows.map((row) => row ?? []),
          shape[axis],
        );
      return [result];
    }
    const { scales } = attrs;
    const split = shape.flatMap((n, d) => (scales[d] === 1 ? [n] : [n, scales[d]]));
    let at = 0;
    const axes = scales.flatMap((s) => {
      at += s === 1 ? 1 : 2;
      return s === 1 ? [] : [at - 1];
    });
    return [axes.length === 0 ? ct : reduceSum({ axes, keepdims: 0 }, reshapeTo(ct!, split))];
  },
  channels({ attrs, inputs: [x] }, _input, axis) {
    if (attrs.mode !== undefined)
      return alongAxes(x!.shape, attrs).has(axis)
        ? refuse("Resize interpolates between units")
        : carry(axis);
    return attrs.scales[axis] === 1 ? carry(axis) : refuse("Resize repeats units");
  },
  onnx(node) {
    const form = inputs.onnx(node);
    return node.attrs.mode === undefined ? { ...form, attrs: { ...form.attrs, ...nearest } } : form;
  },
  fromOnnx(form) {
    const given = inputs.fromOnnx({ ...form, inputs: form.inputs.map(present) });
    const { shape } = need(form.inputs, 0, "Resize");
    const attrs = resolved(shape, given.attrs);
    return { inputs: given.inputs, attrs: simplified(shape, attrs) };
  },
  examples: [
    { inputs: [[1, 2, 2, 3]], attrs: { scales: [1, 1, 2, 3] } },
    { inputs: [[2, 3]], attrs: { scales: [1, 1] } },
    {
      inputs: [[1, 2, 3, 4]],
      attrs: {
        mode: "linear",
        coordinate_transformation_mode: "half_pixel",
        axes: [2, 3],
        sizes: [5, 7],
      },
    },
    {
      inputs: [[1, 1, 4, 3]],
      attrs: {
        mode: "linear",
        coordinate_transformation_mode: "align_corners",
        axes: [2, 3],
        sizes: [3, 6],
      },
      note: "smaller and larger",
    },
    {
      inputs: [[1, 1, 4, 4]],
      attrs: {
        mode: "cubic",
        coordinate_transformation_mode: "half_pixel",
        cubic_coeff_a: -0.5,
        exclude_outside: 1,
        axes: [2, 3],
        sizes: [6, 3],
      },
    },
    {
      inputs: [[1, 1, 4, 6]],
      attrs: {
        mode: "nearest",
        coordinate_transformation_mode: "asymmetric",
        nearest_mode: "floor",
        axes: [2, 3],
        scales: [0.5, 1.5],
      },
    },
    {
      inputs: [[1, 1, 6, 8]],
      attrs: {
        mode: "linear",
        coordinate_transformation_mode: "half_pixel",
        antialias: 1,
        axes: [2, 3],
        sizes: [3, 3],
      },
      note: "smoothed before it is reduced",
    },
  ],
});

/** An empty tensor counts as an absent input. */
const present = (value: Value | undefined): Value | undefined =>
  value?.shape.length === 1 && value.shape[0] === 0 ? undefined : value;

const rowsOf = (shape: Shape, attrs: Interpolated) =>
  [...alongAxes(shape, attrs)].map(
    ([axis, along]) => [axis, interpolationRows(howOf(attrs), along)] as const,
  );

/** Nearest neighbours that only repeat elements are said so: that has the fastest gradient. */
function simplified(shape: Shape, attrs: Interpolated): ResizeAttrs {
  if (attrs.mode !== "nearest") return attrs;
  const scales = shape.map(() => 1);
  for (const [axis, { from, to, scale, roi }] of alongAxes(shape, attrs)) {
    const times = Math.max(1, Math.round(to / from));
    const rows = interpolationRows(howOf(attrs), { from, to, scale, roi });
    const plain = rows.every((row, i) => row?.[0][0] === Math.floor(i / times));
    if (to !== times * from || !plain) return attrs;
    scales[axis] = times;
  }
  return { scales };
}

function repeated(
  x: { readonly shape: readonly number[]; readonly data: ArrayLike<number> },
  { scales }: Repeated,
  shape: readonly number[],
): Float64Array {
  const from = strides(x.shape);
  const own = strides(shape);
  return Float64Array.from({ length: size(shape) }, (_, i) => {
    let at = 0;
    for (let d = 0; d < shape.length; d++)
      at += Math.floor((Math.floor(i / own[d]) % shape[d]) / scales[d]) * from[d];
    return x.data[at];
  });
}

/** Repeats elements and then cuts off or fills up with zeros at the end of each axis. */
export function spread(x: Value, scales: readonly number[], shape: readonly number[]): Value {
  const repeated = resize({ scales }, x);
  const rest = shape.map((n, d) => n - known(repeated.shape)[d]);
  if (rest.every((n) => n === 0)) return repeated;
  return pad({ pads: [...rest.map(() => 0), ...rest] }, repeated);
}
