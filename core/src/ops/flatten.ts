import { known, type Shape } from "../ir/tensor.ts";
import { check, int } from "./check.ts";
import { product } from "./dims.ts";
import { need, type Operator, operator } from "./operator.ts";
import { regroup, reshapeTo } from "./reshape.ts";

type FlattenAttrs = { readonly axis?: number };

export const flatten: Operator<FlattenAttrs> = operator<FlattenAttrs>({
  type: "Flatten",
  infer(inputs, attrs) {
    const { dtype, shape } = need(inputs, 0, "Flatten");
    const at = split(shape, attrs);
    return [{ dtype, shape: [product(shape.slice(0, at)), product(shape.slice(at))] }];
  },
  evaluate: ([x], _attrs, [{ dtype, shape }]) => [{ dtype, shape, data: x!.data }],
  gradient: ([ct], { inputs: [x] }) => [reshapeTo(ct!, known(x!.shape))],
  channels: ({ inputs: [x], outputs: [y] }, _input, axis) =>
    regroup(x!.shape, y.shape, axis, "Flatten"),
  examples: [
    { inputs: [[2, 3, 2, 2]], attrs: {} },
    { inputs: [[2, 3, 2]], attrs: { axis: 0 } },
    { inputs: [[2, 3, 2]], attrs: { axis: -1 } },
  ],
});

/** Unlike other axes this one may be the rank itself: it stands between axes. */
function split(shape: Shape, attrs: FlattenAttrs): number {
  const axis = int(attrs.axis, 1, "Flatten: axis");
  const rank = shape.length;
  check(axis >= -rank && axis <= rank, `Flatten: axis ${axis} is outside rank ${rank}`);
  return axis < 0 ? axis + rank : axis;
}
