import { int64, known } from "../ir/tensor.ts";
import { axisOf, check, needDType, sameDType } from "./check.ts";
import { elementOffset, gatherElements } from "./gatherElements.ts";
import { filled } from "./literal.ts";
import { need, type Operator, operator, refuse } from "./operator.ts";

type ScatterAttrs = { readonly axis?: number; readonly reduction?: string };

/** Inputs: data, indices, updates. Without `reduction: "add"` no index may occur twice. */
export const scatterElements: Operator<ScatterAttrs> = operator<ScatterAttrs>({
  type: "ScatterElements",
  infer(inputs, { axis, reduction = "none" }) {
    const type = "ScatterElements";
    const [data, indices, updates] = [0, 1, 2].map((i) => need(inputs, i, type));
    needDType(indices, "int64", `${type}: indices`);
    sameDType(data, updates, type);
    const along = axisOf(axis ?? 0, data.shape.length, `${type}: axis`);
    check(reduction === "none" || reduction === "add", `${type}: reduction ${reduction}`);
    check(
      indices.shape.join() === updates.shape.join(),
      `${type}: indices and updates differ in shape`,
    );
    checkInside(data.shape, indices.shape, along, type);
    return [{ dtype: data.dtype, shape: data.shape }];
  },
  evaluate([data, indices, updates], attrs, [{ dtype, shape }]) {
    const axis = axisOf(attrs.axis ?? 0, shape.length, "ScatterElements: axis");
    const result = Float64Array.from(data!.data);
    const offset = elementOffset(shape, indices!, axis);
    for (let i = 0; i < updates!.data.length; i++) {
      const at = offset(i);
      result[at] = (attrs.reduction === "add" ? result[at] : 0) + updates!.data[i];
    }
    return [{ dtype, shape, data: result }];
  },
  gradient([ct], { inputs: [data, indices, updates], attrs }) {
    const axis = attrs.axis ?? 0;
    const kept =
      attrs.reduction === "add"
        ? ct
        : scatterElements({ axis }, ct, indices, filled(ct!, known(updates!.shape), 0));
    return [data && kept, undefined, gatherElements({ axis }, ct, indices)];
  },
  channels: () => refuse("ScatterElements places units by index"),
  examples: [
    { inputs: [[5], int64([3], [4, 0, -2]), [3]], attrs: {}, constants: [1] },
    {
      inputs: [[2, 3], int64([2, 2], [1, 1, 0, 2]), [2, 2]],
      attrs: { axis: 1, reduction: "add" },
      constants: [1],
    },
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
