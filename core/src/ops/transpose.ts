import { size, strides } from "../ir/tensor.ts";
import { axesOf, check } from "./check.ts";
import { carry, need, type Operator, operator } from "./operator.ts";

type TransposeAttrs = { readonly perm?: readonly number[] };

export const transpose: Operator<TransposeAttrs> = operator<TransposeAttrs>({
  type: "Transpose",
  infer(inputs, attrs) {
    const { dtype, shape } = need(inputs, 0, "Transpose");
    return [{ dtype, shape: permutation(attrs, shape.length).map((from) => shape[from]) }];
  },
  evaluate([x], attrs, [{ dtype, shape }]) {
    const from = strides(x!.shape);
    const step = permutation(attrs, shape.length).map((axis) => from[axis]);
    const own = strides(shape);
    const data = Float64Array.from({ length: size(shape) }, (_, i) => {
      let at = 0;
      for (let d = 0; d < shape.length; d++) at += (Math.floor(i / own[d]) % shape[d]) * step[d];
      return x!.data[at];
    });
    return [{ dtype, shape, data }];
  },
  gradient([ct], { attrs }) {
    const perm = permutation(attrs, ct!.shape.length);
    return [transpose({ perm: perm.map((_, i) => perm.indexOf(i)) }, ct!)];
  },
  channels: ({ inputs: [x], attrs }, _input, axis) =>
    carry(permutation(attrs, x!.shape.length).indexOf(axis)),
  examples: [
    { inputs: [[2, 3]], attrs: {} },
    { inputs: [[2, 3, 4]], attrs: { perm: [2, 0, 1] } },
  ],
});

function permutation({ perm }: TransposeAttrs, rank: number): readonly number[] {
  if (perm === undefined) return Array.from({ length: rank }, (_, i) => rank - 1 - i);
  const axes = axesOf(perm, rank, "Transpose: perm");
  check(axes.length === rank, `Transpose: perm has ${axes.length} axes, the input ${rank}`);
  return axes;
}
