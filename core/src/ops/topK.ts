import { constant } from "../ir/graph.ts";
import { int64, known, size } from "../ir/tensor.ts";
import { axisOf, check, constantNumbers, flag, int, length } from "./check.ts";
import { filled } from "./literal.ts";
import { need, type Operator, operator, refuse } from "./operator.ts";
import { scatterElements } from "./scatterElements.ts";

type TopKAttrs = {
  readonly k: number;
  readonly axis?: number;
  readonly largest?: number;
  /** The results are sorted either way. */
  readonly sorted?: number;
};

/** Outputs: the k largest (or smallest) along an axis, and where they stand; of equals the first. */
export const topK: Operator<TopKAttrs> = operator<TopKAttrs>({
  type: "TopK",
  infer(inputs, attrs) {
    const { dtype, shape } = need(inputs, 0, "TopK");
    const axis = along(attrs, shape.length);
    const k = int(attrs.k, -1, "TopK: k");
    const n = length(shape[axis], `TopK: axis ${axis}`);
    check(k >= 0 && k <= n, `TopK: there are not ${k} elements along axis ${axis}`);
    const taken = shape.with(axis, k);
    return [
      { dtype, shape: taken },
      { dtype: "int64", shape: taken },
    ];
  },
  evaluate([x], attrs, [{ dtype, shape }]) {
    const axis = along(attrs, shape.length);
    const sign = flag(attrs.largest, true, "TopK: largest") ? -1 : 1;
    const n = x!.shape[axis];
    const inner = size(shape.slice(axis + 1));
    const [values, places] = [new Float64Array(size(shape)), new Float64Array(size(shape))];
    for (let line = 0; line < size(x!.shape) / n; line++) {
      const start = Math.floor(line / inner) * n * inner + (line % inner);
      const at = (i: number) => x!.data[start + i * inner];
      const order = Array.from({ length: n }, (_, i) => i);
      order.sort((a, b) => sign * (at(a) - at(b)) || a - b);
      for (let i = 0; i < attrs.k; i++) {
        const to = (Math.floor(line / inner) * attrs.k + i) * inner + (line % inner);
        values[to] = at(order[i]);
        places[to] = order[i];
      }
    }
    return [
      { dtype, shape, data: values },
      { dtype: "int64", shape, data: places },
    ];
  },
  /** The cotangents go back to where the values stood. */
  gradient([ct], { inputs: [x], outputs: [, places], attrs }) {
    if (ct === undefined) return [undefined];
    const axis = along(attrs, x!.shape.length);
    const zeros = filled(ct, known(x!.shape), 0);
    return [scatterElements({ axis, reduction: "add" }, zeros, places, ct)];
  },
  channels: () => refuse("TopK orders what it gets"),
  onnx: ({ inputs, attrs: { k, ...rest } }) => ({
    inputs: [inputs[0], constant(int64([1], [k]))],
    attrs: rest,
  }),
  fromOnnx: ({ inputs, attrs }) => ({
    inputs: inputs.slice(0, 1),
    attrs: { k: constantNumbers(need(inputs, 1, "TopK"), "TopK: k")[0], ...attrs },
  }),
  examples: [
    { inputs: [[2, 5]], attrs: { k: 3 } },
    { inputs: [[4, 2]], attrs: { k: 2, axis: 0, largest: 0 } },
    {
      inputs: [{ dtype: "float32", shape: [4], data: Float32Array.of(2, 1, 2, 1) }],
      attrs: { k: 3 },
      constants: [0],
      note: "the first of equals",
    },
  ],
});

const along = ({ axis }: TopKAttrs, rank: number): number => axisOf(axis ?? -1, rank, "TopK: axis");
