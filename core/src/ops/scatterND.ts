import { int64, size, strides } from "../ir/tensor.ts";
import { check, sameDType } from "./check.ts";
import { depth, gatherND } from "./gatherND.ts";
import { needIndices, placeOf } from "./indices.ts";
import { need, type Operator, operator, refuse } from "./operator.ts";
import { reductionOf, scatterGradient } from "./scatterReduction.ts";

type ScatterNDAttrs = { readonly reduction?: string };

/** Inputs: data, indices […, q], updates: each row of q indices names a slice of data that is updated. */
export const scatterND: Operator<ScatterNDAttrs> = operator<ScatterNDAttrs>({
  type: "ScatterND",
  infer(inputs, { reduction }) {
    const [data, indices, updates] = [0, 1, 2].map((i) => need(inputs, i, "ScatterND"));
    needIndices(indices, "ScatterND: indices");
    sameDType(data, updates, "ScatterND");
    reductionOf(reduction, "ScatterND");
    const q = depth(indices.shape, "ScatterND");
    check(q <= data.shape.length, `ScatterND: ${q} indices for rank ${data.shape.length}`);
    const expected = [...indices.shape.slice(0, -1), ...data.shape.slice(q)];
    check(
      updates.shape.join() === expected.join(),
      `ScatterND: updates are [${updates.shape.join(", ")}], need [${expected.join(", ")}]`,
    );
    return [{ dtype: data.dtype, shape: data.shape }];
  },
  evaluate([data, indices, updates], { reduction }, [{ dtype, shape }]) {
    const reduce = reductionOf(reduction, "ScatterND");
    const q = indices!.shape.at(-1)!;
    const step = strides(shape);
    const slice = size(shape.slice(q));
    const result = Float64Array.from(data!.data);
    for (let r = 0; r < size(indices!.shape.slice(0, -1)); r++) {
      let at = 0;
      for (let k = 0; k < q; k++)
        at += placeOf(indices!.data[r * q + k], shape[k], "ScatterND") * step[k];
      for (let i = 0; i < slice; i++)
        result[at + i] = reduce(result[at + i], updates!.data[r * slice + i]);
    }
    return [{ dtype, shape, data: result }];
  },
  gradient([ct], { inputs: [data, indices, updates], outputs: [y], attrs }) {
    const { reduction = "none" } = attrs;
    const [toData, toUpdates] = scatterGradient(ct!, [data!, updates!, y], reduction, {
      scatter: (how, into, values) => scatterND({ reduction: how }, into, indices, values),
      gather: (from) => gatherND({}, from, indices),
    });
    return [toData, undefined, toUpdates];
  },
  channels: () => refuse("ScatterND places units by index"),
  examples: [
    { inputs: [[2, 3], int64([2, 2], [0, 2, 1, -3]), [2]], attrs: {} },
    { inputs: [[3, 2], int64([2, 1], [2, 0]), [2, 2]], attrs: {}, note: "whole rows" },
    { inputs: [[3], int64([3, 1], [1, 1, 0]), [3]], attrs: { reduction: "add" } },
    { inputs: [[3], int64([2, 1], [1, 0]), [2]], attrs: { reduction: "mul" } },
    { inputs: [[3], int64([3, 1], [1, 1, 0]), [3]], attrs: { reduction: "max" } },
    { inputs: [[3], int64([3, 1], [1, 1, 0]), [3]], attrs: { reduction: "min" } },
  ],
});
