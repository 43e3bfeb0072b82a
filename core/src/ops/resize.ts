import type { Value } from "../ir/graph.ts";
import { type Dim, known, size, strides } from "../ir/tensor.ts";
import { check, ints, length } from "./check.ts";
import { constantInputs } from "./constantInputs.ts";
import { type Attrs, carry, need, type Operator, operator, refuse } from "./operator.ts";
import { pad } from "./pad.ts";
import { reduceSum } from "./reduceSum.ts";
import { reshapeTo } from "./reshape.ts";

type ResizeAttrs = { readonly scales: readonly number[] };

const nearest: Attrs = {
  mode: "nearest",
  coordinate_transformation_mode: "asymmetric",
  nearest_mode: "floor",
};
const inputs = constantInputs("Resize", [{ attr: "scales", input: 2, dtype: "float32" }]);

/** Repeats each element `scales` times along each axis: nearest-neighbour upsampling by whole factors. */
export const resize: Operator<ResizeAttrs> = operator<ResizeAttrs>({
  type: "Resize",
  infer(values, attrs) {
    const { dtype, shape } = need(values, 0, "Resize");
    const scales = ints(attrs.scales, { length: shape.length, least: 1 }, "Resize: scales");
    const scaled = shape.map(
      (n, d): Dim => (scales[d] === 1 ? n : length(n, `Resize: axis ${d}`) * scales[d]),
    );
    return [{ dtype, shape: scaled }];
  },
  evaluate([x], { scales }, [{ dtype, shape }]) {
    const from = strides(x!.shape);
    const own = strides(shape);
    const data = Float64Array.from({ length: size(shape) }, (_, i) => {
      let at = 0;
      for (let d = 0; d < shape.length; d++)
        at += Math.floor((Math.floor(i / own[d]) % shape[d]) / scales[d]) * from[d];
      return x!.data[at];
    });
    return [{ dtype, shape, data }];
  },
  gradient([ct], { inputs: [x], attrs: { scales } }) {
    const shape = known(x!.shape);
    const split = shape.flatMap((n, d) => (scales[d] === 1 ? [n] : [n, scales[d]]));
    let at = 0;
    const axes = scales.flatMap((s) => {
      at += s === 1 ? 1 : 2;
      return s === 1 ? [] : [at - 1];
    });
    return [axes.length === 0 ? ct : reduceSum({ axes, keepdims: 0 }, reshapeTo(ct!, split))];
  },
  channels: ({ attrs }, _input, axis) =>
    attrs.scales[axis] === 1 ? carry(axis) : refuse("Resize repeats units"),
  onnx(node) {
    const form = inputs.onnx(node);
    return { ...form, attrs: { ...form.attrs, ...nearest } };
  },
  fromOnnx(form) {
    check(form.inputs[3] === undefined, "Resize: sizes are not supported, only scales");
    const { mode = "nearest", nearest_mode: rounding = "round_prefer_floor" } = form.attrs;
    const { coordinate_transformation_mode: place = "half_pixel" } = form.attrs;
    // By whole factors, both conventions read element floor(i / scale).
    const plain =
      (place === "asymmetric" && rounding === "floor") ||
      (String(place).endsWith("half_pixel") && String(rounding).startsWith("round"));
    check(mode === "nearest" && plain, `Resize: ${mode}, ${place}, ${rounding} is not supported`);
    const read = inputs.fromOnnx(form);
    return { inputs: read.inputs.slice(0, 1), attrs: { scales: read.attrs.scales } };
  },
  examples: [
    { inputs: [[1, 2, 2, 3]], attrs: { scales: [1, 1, 2, 3] } },
    { inputs: [[2, 3]], attrs: { scales: [1, 1] } },
  ],
});

/** Repeats elements and then cuts off or fills up with zeros at the end of each axis. */
export function spread(x: Value, scales: readonly number[], shape: readonly number[]): Value {
  const repeated = resize({ scales }, x);
  const rest = shape.map((n, d) => n - known(repeated.shape)[d]);
  if (rest.every((n) => n === 0)) return repeated;
  return pad({ pads: [...rest.map(() => 0), ...rest] }, repeated);
}
