import { known, type Shape } from "../ir/tensor.ts";
import { axesOf, check, length } from "./check.ts";
import { constantInputs } from "./constantInputs.ts";
import { carry, need, type Operator, operator, refuse } from "./operator.ts";
import { reshapeTo } from "./reshape.ts";

type SqueezeAttrs = { readonly axes: readonly number[] };

const lists = constantInputs("Squeeze", [{ attr: "axes", input: 1 }]);

/** Drops axes of length 1. */
export const squeeze: Operator<SqueezeAttrs> = operator<SqueezeAttrs>({
  type: "Squeeze",
  infer(inputs, attrs) {
    const { dtype, shape } = need(inputs, 0, "Squeeze");
    const gone = dropped(shape, attrs);
    return [{ dtype, shape: shape.filter((_, d) => !gone.includes(d)) }];
  },
  evaluate: ([x], _attrs, [{ dtype, shape }]) => [{ dtype, shape, data: x!.data }],
  gradient: ([ct], { inputs: [x] }) => [reshapeTo(ct!, known(x!.shape))],
  channels({ inputs: [x], attrs }, _input, axis) {
    const gone = dropped(x!.shape, attrs);
    if (gone.includes(axis)) return refuse("Squeeze drops the axis");
    return carry(axis - gone.filter((d) => d < axis).length);
  },
  onnx: lists.onnx,
  /** Without axes, every axis of length 1 goes. */
  fromOnnx(form) {
    const { inputs, attrs } = lists.fromOnnx(form);
    if (attrs.axes !== undefined) return { inputs, attrs };
    const { shape } = need(inputs, 0, "Squeeze");
    const axes = shape.flatMap((n, d) => (length(n, `Squeeze: axis ${d}`) === 1 ? [d] : []));
    return { inputs, attrs: { axes } };
  },
  examples: [
    { inputs: [[2, 1, 3, 1]], attrs: { axes: [1, -1] } },
    { inputs: [[1, 2]], attrs: { axes: [0] } },
  ],
});

function dropped(shape: Shape, { axes }: SqueezeAttrs): readonly number[] {
  const gone = axesOf(axes, shape.length, "Squeeze: axes");
  for (const d of gone) check(shape[d] === 1, `Squeeze: axis ${d} has length ${shape[d]}, not 1`);
  return gone;
}
