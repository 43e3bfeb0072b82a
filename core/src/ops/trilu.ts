import { constant } from "../ir/graph.ts";
import { int64, size } from "../ir/tensor.ts";
import { constantNumbers, flag, int, rankFrom } from "./check.ts";
import { carry, need, type Operator, operator, refuse } from "./operator.ts";

type TriluAttrs = {
  readonly upper?: number;
  /** The diagonal that is kept as well: 0 the main one, 1 the one above it. */
  readonly k?: number;
};

/** The upper or lower triangle of the last two axes; the rest is 0. */
export const trilu: Operator<TriluAttrs> = operator<TriluAttrs>({
  type: "Trilu",
  infer(inputs, attrs) {
    const x = need(inputs, 0, "Trilu");
    rankFrom(x, 2, "Trilu: the input");
    flag(attrs.upper, true, "Trilu: upper");
    int(attrs.k, 0, "Trilu: k");
    return [{ dtype: x.dtype, shape: x.shape }];
  },
  evaluate([x], { upper = 1, k = 0 }, [{ dtype, shape }]) {
    const [rows, columns] = shape.slice(-2);
    const data = Float64Array.from({ length: size(shape) }, (_, i) => {
      const above = (i % columns) - (Math.floor(i / columns) % rows);
      return (upper !== 0 ? above >= k : above <= k) ? x!.data[i] : 0;
    });
    return [{ dtype, shape, data }];
  },
  gradient: ([ct], { attrs }) => [trilu(attrs, ct)],
  channels: ({ inputs: [x] }, _input, axis) =>
    axis < x!.shape.length - 2 ? carry(axis) : refuse("Trilu tells units apart by their position"),
  onnx: ({ inputs, attrs: { k, ...rest } }) => ({
    inputs: k === undefined ? inputs : [inputs[0], constant(int64([], [k]))],
    attrs: rest,
  }),
  fromOnnx({ inputs, attrs }) {
    const [x, k] = inputs;
    if (k === undefined) return { inputs: [x], attrs };
    return { inputs: [x], attrs: { ...attrs, k: constantNumbers(k, "Trilu: k")[0] } };
  },
  examples: [
    { inputs: [[3, 3]], attrs: {} },
    { inputs: [[2, 3, 4]], attrs: { upper: 0, k: 1 } },
    { inputs: [[2, 3]], attrs: { upper: 0, k: -1 } },
  ],
});
