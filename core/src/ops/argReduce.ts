import { type Dim, size } from "../ir/tensor.ts";
import { axisOf, check, flag, length } from "./check.ts";
import { carry, need, type Operator, operator, refuse } from "./operator.ts";

export type ArgAttrs = {
  readonly axis?: number;
  readonly keepdims?: number;
  /** Among equals the last, not the first. */
  readonly select_last_index?: number;
};

/** Where along an axis the best element stands. */
export function argReduce(
  type: string,
  better: (a: number, b: number) => boolean,
): Operator<ArgAttrs> {
  const along = (attrs: ArgAttrs, rank: number) => axisOf(attrs.axis ?? 0, rank, `${type}: axis`);
  const keeps = (attrs: ArgAttrs) => flag(attrs.keepdims, true, `${type}: keepdims`);
  return operator<ArgAttrs>({
    type,
    infer(inputs, attrs) {
      const { shape } = need(inputs, 0, type);
      const axis = along(attrs, shape.length);
      check(length(shape[axis], `${type}: axis ${axis}`) > 0, `${type}: axis ${axis} is empty`);
      flag(attrs.select_last_index, false, `${type}: select_last_index`);
      const kept: readonly Dim[] = keeps(attrs) ? [1] : [];
      return [{ dtype: "int64", shape: shape.toSpliced(axis, 1, ...kept) }];
    },
    evaluate([x], attrs, [{ dtype, shape }]) {
      const axis = along(attrs, x!.shape.length);
      const n = x!.shape[axis];
      const inner = size(x!.shape.slice(axis + 1));
      const last = attrs.select_last_index === 1;
      const data = Float64Array.from({ length: size(shape) }, (_, i) => {
        const start = Math.floor(i / inner) * n * inner + (i % inner);
        const value = (k: number) => x!.data[start + k * inner];
        let best = 0;
        for (let k = 1; k < n; k++)
          if (better(value(k), value(best)) || (last && value(k) === value(best))) best = k;
        return best;
      });
      return [{ dtype, shape, data }];
    },
    gradient: "none",
    channels({ inputs: [x], attrs }, _input, axis) {
      const gone = along(attrs, x!.shape.length);
      if (axis === gone) return refuse(`${type} names units by their position`);
      return carry(axis > gone && !keeps(attrs) ? axis - 1 : axis);
    },
    examples: [
      { inputs: [[2, 3, 2]], attrs: { axis: 1 } },
      { inputs: [[3, 2]], attrs: { keepdims: 0 } },
      {
        inputs: [
          { dtype: "float32", shape: [2, 4], data: Float32Array.of(1, 3, 3, 1, 2, 2, 2, 2) },
        ],
        attrs: { axis: -1, select_last_index: 1 },
        note: "the last of equals",
      },
    ],
  });
}
