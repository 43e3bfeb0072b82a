import { int64 } from "../ir/tensor.ts";
import { axisOf, check, sameDType } from "./check.ts";
import { elementOffset, gatherElements } from "./gatherElements.ts";
import { needIndices } from "./indices.ts";
import { need, type Operator, operator, refuse } from "./operator.ts";
import { reductionOf, scatterGradient } from "./scatterReduction.ts";

type ScatterAttrs = { readonly axis?: number; readonly reduction?: string };

/** Inputs: data, indices, updates. Without `reduction` no index may occur twice. */
export const scatterElements: Operator<ScatterAttrs> = operator<ScatterAttrs>({
  type: "ScatterElements",
  infer(inputs, { axis, reduction }) {
    const type = "ScatterElements";
    const [data, indices, updates] = [0, 1, 2].map((i) => need(inputs, i, type));
    needIndices(indices, `${type}: indices`);
    sameDType(data, updates, type);
    const along = axisOf(axis ?? 0, data.shape.length, `${type}: axis`);
    reductionOf(reduction, type);
    check(
      indices.shape.join() === updates.shape.join(),
      `${type}: indices and updates differ in shape`,
    );
    checkInside(data.shape, indices.shape, along, type);
    return [{ dtype: data.dtype, shape: data.shape }];
  },
  evaluate([data, indices, updates], attrs, [{ dtype, shape }]) {
    const axis = axisOf(attrs.axis ?? 0, shape.length, "ScatterElements: axis");
    const reduce = reductionOf(attrs.reduction, "ScatterElements");
    const result = Float64Array.from(data!.data);
    const offset = elementOffset(shape, indices!, axis);
    for (let i = 0; i < updates!.data.length; i++) {
      const at = offset(i);
      result[at] = reduce(result[at], updates!.data[i]);
    }
    return [{ dtype, shape, data: result }];
  },
  gradient([ct], { inputs: [data, indices, updates], outputs: [y], attrs }) {
    const { axis = 0, reduction = "none" } = attrs;
    const [toData, toUpdates] = scatterGradient(ct!, [data!, updates!, y], reduction, {
      scatter: (how, into, values) =>
        scatterElements({ axis, reduction: how }, into, indices, values),
      gather: (from) => gatherElements({ axis }, from, indices),
    });
    return [toData, undefined, toUpdates];
  },
  channels: () => refuse("ScatterElements places units by index"),
  examples: [
    { inputs: [[5], int64([3], [4, 0, -2]), [3]], attrs: {}, constants: [1] },
    {
      inputs: [[2, 3], int64([2, 2], [1, 1, 0, 2]), [2, 2]],
      attrs: { axis: 1, reduction: "add" },
      constants: [1],
    },
    { inputs: [[4], int64([2], [3, 0]), [2]], attrs: { reduction: "mul" }, constants: [1] },
    { inputs: [[4], int64([3], [3, 0, 3]), [3]], attrs: { reduction: "max" }, constants: [1] },
    { inputs: [[4], int64([3], [3, 0, 3]), [3]], attrs: { reduction: "min" }, constants: [1] },
  ],
});

/** The indices may leave out the end of an axis, but not go beyond it. */
export function checkInside(
  data: readonly (number | string)[],
  indices: readonly (number | string)[],
  axis: number,
  type: string,
): void {
  check(data.length === indices.length, `${type}: data and indices differ in rank`);
  indices.forEach((n, d) => {
    const inside =
      n === data[d] || (typeof n === "number" && typeof data[d] === "number" && n <= data[d]);
    check(d === axis || inside, `${type}: axis ${d} of indices is longer than that of data`);
  });
}
