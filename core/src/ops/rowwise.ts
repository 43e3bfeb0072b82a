import { size } from "../ir/tensor.ts";
import { axisOf, needFloat } from "./check.ts";
import { carry, type Definition, need, refuse } from "./operator.ts";

export type RowwiseAttrs = { readonly axis?: number };

/** The axis that the rows go along: the last one when absent. */
export const alongRow = (type: string, { axis }: RowwiseAttrs, rank: number): number =>
  axisOf(axis ?? -1, rank, `${type}: axis`);

/**
 * What Softmax, LogSoftmax and Hardmax share: each row along one axis becomes another.
 * @param does what it does to units that stand along the row: "compares the units"
 */
export function rowwise(
  type: string,
  does: string,
  mapped: (row: Float64Array) => ArrayLike<number>,
): Omit<Definition<RowwiseAttrs>, "gradient"> {
  return {
    type,
    infer(inputs, attrs) {
      const x = need(inputs, 0, type);
      needFloat(x, type);
      alongRow(type, attrs, x.shape.length);
      return [{ dtype: x.dtype, shape: x.shape }];
    },
    evaluate([x], attrs, [{ dtype, shape }]) {
      const axis = alongRow(type, attrs, shape.length);
      const n = shape[axis];
      const inner = size(shape.slice(axis + 1));
      const data = new Float64Array(x!.data.length);
      for (let i = 0; i < data.length; i++) {
        if (Math.floor(i / inner) % n !== 0) continue;
        const row = mapped(Float64Array.from({ length: n }, (_, k) => x!.data[i + k * inner]));
        for (let k = 0; k < n; k++) data[i + k * inner] = row[k];
      }
      return [{ dtype, shape, data }];
    },
    channels: ({ outputs: [y], attrs }, _input, axis) =>
      axis === alongRow(type, attrs, y.shape.length) ? refuse(`${type} ${does}`) : carry(axis),
    examples: [
      { inputs: [[2, 3]], attrs: {} },
      { inputs: [[2, 3, 2]], attrs: { axis: 1 } },
    ],
  };
}

/** Of all elements; −∞ of none. */
export const largest = (row: Float64Array): number =>
  row.reduce((a, b) => Math.max(a, b), -Infinity);

/** Σ exp(x − m): the largest m is taken off so that nothing overflows. */
export const sumOfExp = (row: Float64Array, m: number): number =>
  row.reduce((sum, v) => sum + Math.exp(v - m), 0);
