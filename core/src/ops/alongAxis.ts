import { constant, type Value } from "../ir/graph.ts";
import { known, size } from "../ir/tensor.ts";
import { matMul } from "./matMul.ts";
import { reshapeTo } from "./reshape.ts";

/** Where an element of the result comes from: indices of the input along the axis, and their weights. */
export type Row = readonly (readonly [index: number, weight: number])[];

/** A linear map along one axis, as a matrix product: row i of the transposed map gives element i. */
export function transposedAlong(ct: Value, axis: number, rows: readonly Row[], n: number): Value {
  const shape = known(ct.shape);
  const matrix = new Float64Array(n * rows.length);
  rows.forEach((row, o) => {
    for (const [i, weight] of row) matrix[i * rows.length + o] += weight;
  });
  const data = ct.dtype === "float32" ? Float32Array.from(matrix) : matrix;
  const map = constant({ dtype: ct.dtype, shape: [n, rows.length], data });
  const pages = size(shape.slice(0, axis));
  const columns = size(shape.slice(axis + 1));
  const product = matMul({}, map, reshapeTo(ct, [pages, rows.length, columns]));
  return reshapeTo(product, shape.with(axis, n));
}

/** The map itself, on plain numbers. */
export function applyAlong(
  data: ArrayLike<number>,
  shape: readonly number[],
  axis: number,
  rows: readonly Row[],
): Float64Array {
  const columns = size(shape.slice(axis + 1));
  const result = new Float64Array(size(shape.with(axis, rows.length)));
  for (let i = 0; i < result.length; i++) {
    const o = Math.floor(i / columns) % rows.length;
    const page = Math.floor(i / (columns * rows.length));
    const start = page * shape[axis] * columns + (i % columns);
    for (const [index, weight] of rows[o]) result[i] += weight * data[start + index * columns];
  }
  return result;
}
