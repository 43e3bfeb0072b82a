import { type Dim, known } from "../ir/tensor.ts";
import { broadcastOffsets } from "./broadcast.ts";
import { axesOf, flag } from "./check.ts";
import { constantInputs } from "./constantInputs.ts";
import { expand } from "./expand.ts";
import { carry, consume, need, type Operator, operator } from "./operator.ts";
import { reshapeTo } from "./reshape.ts";

export type ReduceAttrs = {
  /** Absent: all axes, unless `noop_with_empty_axes`. */
  readonly axes?: readonly number[];
  readonly keepdims?: number;
  readonly noop_with_empty_axes?: number;
};

export const reduceSum: Operator<ReduceAttrs> = operator<ReduceAttrs>({
  type: "ReduceSum",
  infer(inputs, attrs) {
    const { dtype, shape } = need(inputs, 0, "ReduceSum");
    const axes = reduced(attrs, shape.length);
    const keep = flag(attrs.keepdims, true, "ReduceSum: keepdims");
    return [
      { dtype, shape: shape.flatMap((d, i): Dim[] => (!axes.includes(i) ? [d] : keep ? [1] : [])) },
    ];
  },
  evaluate([x], attrs, [{ dtype, shape }]) {
    const axes = reduced(attrs, x!.shape.length);
    const kept = x!.shape.map((d, i) => (axes.includes(i) ? 1 : d));
    const data = new Float64Array(kept.reduce((a, b) => a * b, 1));
    broadcastOffsets(kept, x!.shape).forEach((at, i) => {
      data[at] += x!.data[i];
    });
    return [{ dtype, shape, data }];
  },
  gradient([ct], { inputs: [x], attrs }) {
    const shape = known(x!.shape);
    const axes = reduced(attrs, shape.length);
    const kept = shape.map((d, i) => (axes.includes(i) ? 1 : d));
    return [expand({ shape }, reshapeTo(ct!, kept))];
  },
  channels({ inputs: [x], attrs }, _input, axis) {
    const axes = reduced(attrs, x!.shape.length);
    if (axes.includes(axis)) return consume([]);
    const keep = flag(attrs.keepdims, true, "ReduceSum: keepdims");
    return carry(keep ? axis : axis - axes.filter((a) => a < axis).length);
  },
  ...constantInputs("ReduceSum", [{ attr: "axes", input: 1 }]),
  examples: [
    { inputs: [[2, 3, 2]], attrs: { axes: [1], keepdims: 0 } },
    { inputs: [[2, 3, 2]], attrs: { axes: [0, -1] } },
    { inputs: [[2, 3]], attrs: {} },
  ],
});

function reduced(attrs: ReduceAttrs, rank: number): readonly number[] {
  if (attrs.axes === undefined || attrs.axes.length === 0)
    return flag(attrs.noop_with_empty_axes, false, "ReduceSum: noop_with_empty_axes")
      ? []
      : axesOf(undefined, rank, "ReduceSum: axes");
  return axesOf(attrs.axes, rank, "ReduceSum: axes");
}
