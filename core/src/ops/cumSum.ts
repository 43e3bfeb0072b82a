import { constant } from "../ir/graph.ts";
import { int64, size } from "../ir/tensor.ts";
import { axisOf, check, constantNumbers, flag } from "./check.ts";
import { carry, need, type Operator, operator, refuse } from "./operator.ts";

type CumSumAttrs = {
  readonly axis: number;
  /** Without the element itself. */
  readonly exclusive?: number;
  /** From the end. */
  readonly reverse?: number;
};

export const cumSum: Operator<CumSumAttrs> = operator<CumSumAttrs>({
  type: "CumSum",
  infer(inputs, attrs) {
    const { dtype, shape } = need(inputs, 0, "CumSum");
    check(attrs.axis !== undefined, "CumSum: axis is missing");
    settings(attrs, shape.length);
    return [{ dtype, shape }];
  },
  evaluate([x], attrs, [{ dtype, shape }]) {
    const { axis, exclusive, reverse } = settings(attrs, shape.length);
    const n = shape[axis];
    const inner = size(shape.slice(axis + 1));
    const data = new Float64Array(x!.data.length);
    for (let i = 0; i < data.length; i++) {
      if (Math.floor(i / inner) % n !== 0) continue;
      let sum = 0;
      for (let k = 0; k < n; k++) {
        const at = i + (reverse ? n - 1 - k : k) * inner;
        data[at] = exclusive ? sum : sum + x!.data[at];
        sum += x!.data[at];
      }
    }
    return [{ dtype, shape, data }];
  },
  /** From the other end. */
  gradient: ([ct], { attrs }) => [
    cumSum({ ...attrs, reverse: settings(attrs, ct!.shape.length).reverse ? 0 : 1 }, ct!),
  ],
  channels: ({ inputs: [x], attrs }, _input, axis) =>
    axis === settings(attrs, x!.shape.length).axis
      ? refuse("CumSum adds up the units")
      : carry(axis),
  onnx({ inputs: [x], attrs: { axis, ...attrs } }) {
    return { inputs: [x, constant(int64([], [axis]))], attrs };
  },
  fromOnnx({ inputs, attrs }) {
    const given = constantNumbers(need(inputs, 1, "CumSum"), "CumSum: axis");
    check(given.length === 1, "CumSum: axis must be one number");
    return { inputs: inputs.slice(0, 1), attrs: { ...attrs, axis: given[0] } };
  },
  examples: [
    { inputs: [[2, 3]], attrs: { axis: 1 } },
    { inputs: [[2, 3, 2]], attrs: { axis: -2, exclusive: 1 } },
    { inputs: [[4]], attrs: { axis: 0, reverse: 1 } },
    { inputs: [[2, 3]], attrs: { axis: 1, reverse: 1, exclusive: 1 } },
  ],
});

const settings = ({ axis, exclusive, reverse }: CumSumAttrs, rank: number) => ({
  axis: axisOf(axis, rank, "CumSum: axis"),
  exclusive: flag(exclusive, false, "CumSum: exclusive"),
  reverse: flag(reverse, false, "CumSum: reverse"),
});
