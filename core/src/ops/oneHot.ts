import { constant, type Value } from "../ir/graph.ts";
import { type Dim, int64, known, scalar, size } from "../ir/tensor.ts";
import { axisOf, check, constantNumbers, int } from "./check.ts";
import { concat } from "./concat.ts";
import { literal } from "./literal.ts";
import { mul } from "./mul.ts";
import { need, type Operator, operator, refuse } from "./operator.ts";
import { reduceSum } from "./reduceSum.ts";
import { reshapeTo } from "./reshape.ts";
import { sub } from "./sub.ts";

type OneHotAttrs = { readonly depth: number; readonly axis?: number };

/** Inputs: indices, values [off, on]: a new axis, `on` at the index and `off` elsewhere. */
export const oneHot: Operator<OneHotAttrs> = operator<OneHotAttrs>({
  type: "OneHot",
  infer(inputs, attrs) {
    const [indices, values] = [need(inputs, 0, "OneHot"), need(inputs, 1, "OneHot")];
    check(values.shape.join() === "2", "OneHot: values must be [off, on]");
    const depth: Dim = int(attrs.depth, 0, "OneHot: depth");
    check(depth >= 1, `OneHot: depth ${depth} is not positive`);
    const axis = along(attrs, indices.shape.length);
    return [{ dtype: values.dtype, shape: indices.shape.toSpliced(axis, 0, depth) }];
  },
  evaluate([indices, values], attrs, [{ dtype, shape }]) {
    const { depth } = attrs;
    const axis = along(attrs, shape.length - 1);
    const inner = size(shape.slice(axis + 1));
    const [off, on] = values!.data;
    const data = Float64Array.from({ length: size(shape) }, (_, i) => {
      const index = indices!.data[Math.floor(i / (inner * depth)) * inner + (i % inner)];
      return (index < 0 ? index + depth : index) === Math.floor(i / inner) % depth ? on : off;
    });
    return [{ dtype, shape, data }];
  },
  gradient([ct], { inputs: [indices, values], attrs }) {
    const row = (v: Value) => reshapeTo(v, [1]);
    const ends = concat({ axis: 0 }, ...[0, 1].map((v) => row(literal(values!, v))));
    const hot = oneHot(attrs, indices, ends);
    const axes = known(ct!.shape).map((_, d) => d);
    const sum = (v: Value) => reduceSum({ axes, keepdims: 0 }, v);
    const on = sum(mul({}, ct, hot));
    return [undefined, concat({ axis: 0 }, row(sub({}, sum(ct!), on)), row(on))];
  },
  channels: () => refuse("OneHot names units by index"),
  onnx: ({ inputs: [indices, values], attrs: { depth, ...rest } }) => ({
    // ONNX Runtime has a kernel for int32 values with a depth of type float alone.
    inputs: [
      indices,
      constant(values?.dtype === "int32" ? scalar(depth) : int64([], [depth])),
      values,
    ],
    attrs: rest,
  }),
  fromOnnx: ({ inputs: [indices, depth, values], attrs }) => ({
    inputs: [indices, values],
    attrs: { depth: constantNumbers(need([depth], 0, "OneHot"), "OneHot: depth")[0], ...attrs },
  }),
  examples: [
    { inputs: [int64([3], [0, 2, -1]), [2]], attrs: { depth: 3 } },
    { inputs: [int64([2, 2], [0, 1, 5, 1]), [2]], attrs: { depth: 2, axis: 1 }, note: "none fits" },
  ],
});

const along = ({ axis }: OneHotAttrs, rank: number): number =>
  axisOf(axis ?? -1, rank + 1, "OneHot: axis");
