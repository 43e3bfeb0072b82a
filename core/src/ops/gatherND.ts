import { constant, type Value } from "../ir/graph.ts";
import { int64, known, type Shape, size, strides } from "../ir/tensor.ts";
import { check, int, length } from "./check.ts";
import { concat } from "./concat.ts";
import { needIndices, placeOf } from "./indices.ts";
import { filled } from "./literal.ts";
import { carry, need, type Operator, operator, refuse } from "./operator.ts";
import { reshapeTo } from "./reshape.ts";
import { scatterND } from "./scatterND.ts";

type GatherNDAttrs = { readonly batch_dims?: number };

/** Inputs: data, indices […, q]: each row of q indices names a slice of data, behind the batch axes. */
export const gatherND: Operator<GatherNDAttrs> = operator<GatherNDAttrs>({
  type: "GatherND",
  infer(inputs, attrs) {
    const [data, indices] = [need(inputs, 0, "GatherND"), need(inputs, 1, "GatherND")];
    needIndices(indices, "GatherND: indices");
    const batch = batchOf(attrs);
    const q = depth(indices.shape, "GatherND");
    check(
      batch < indices.shape.length && batch + q <= data.shape.length,
      `GatherND: ${q} indices and ${batch} batch axes are more than the data have`,
    );
    for (let d = 0; d < batch; d++)
      check(data.shape[d] === indices.shape[d], `GatherND: batch axis ${d} differs`);
    const shape = [...indices.shape.slice(0, -1), ...data.shape.slice(batch + q)];
    return [{ dtype: data.dtype, shape }];
  },
  evaluate([data, indices], attrs, [{ dtype, shape }]) {
    const batch = batchOf(attrs);
    const q = indices!.shape.at(-1)!;
    const step = strides(data!.shape);
    const slice = size(data!.shape.slice(batch + q));
    const rows = size(indices!.shape.slice(0, -1));
    const perBatch = rows / size(indices!.shape.slice(0, batch));
    const volume = size(data!.shape.slice(batch));
    const result = new Float64Array(size(shape));
    for (let r = 0; r < rows; r++) {
      let at = Math.floor(r / perBatch) * volume;
      for (let k = 0; k < q; k++)
        at +=
          placeOf(indices!.data[r * q + k], data!.shape[batch + k], "GatherND") * step[batch + k];
      for (let i = 0; i < slice; i++) result[r * slice + i] = data!.data[at + i];
    }
    return [{ dtype, shape, data: result }];
  },
  gradient([ct], { inputs: [data, indices], attrs }) {
    const zeros = filled(ct!, known(data!.shape), 0);
    const whole = withBatch(indices!, batchOf(attrs));
    return [scatterND({ reduction: "add" }, zeros, whole, ct)];
  },
  channels({ inputs: [data, indices], attrs }, input, axis) {
    const named = batchOf(attrs) + known(indices!.shape.slice(-1))[0];
    if (input === 0 && axis >= named) return carry(indices!.shape.length - 1 + axis - named);
    return refuse(input === 0 && data ? "GatherND picks units by index" : "indices have no units");
  },
  examples: [
    { inputs: [[2, 3], int64([2, 2], [0, 2, 1, -1])], attrs: {} },
    { inputs: [[3, 2], int64([2, 1], [2, 2])], attrs: {}, note: "whole rows" },
    { inputs: [[2, 2, 3], int64([2, 1, 1], [1, 0])], attrs: { batch_dims: 1 } },
  ],
});

/** How many indices name a slice. */
export const depth = (indices: Shape, type: string): number => {
  check(indices.length >= 1, `${type}: indices is a scalar`);
  return length(indices.at(-1)!, `${type}: the last axis of indices`);
};

const batchOf = ({ batch_dims }: GatherNDAttrs): number => {
  const batch = int(batch_dims, 0, "GatherND: batch_dims");
  check(batch >= 0, "GatherND: batch_dims is negative");
  return batch;
};

/** The indices with those of the batch axes before them. */
function withBatch(indices: Value, batch: number): Value {
  if (batch === 0) return indices;
  const shape = known(indices.shape);
  const rows = shape.slice(0, -1);
  const step = strides(rows);
  const places = Array.from({ length: size(rows) }, (_, r) =>
    rows.slice(0, batch).map((n, d) => Math.floor(r / step[d]) % n),
  ).flat();
  const own = constant({ ...int64([...rows, batch], places), dtype: indices.dtype });
  return concat({ axis: rows.length }, own, reshapeTo(indices, shape));
}
