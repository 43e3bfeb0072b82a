import { int64, known, size, strides, type Tensor } from "../ir/tensor.ts";
import { axisOf } from "./check.ts";
import { needIndices } from "./indices.ts";
import { filled } from "./literal.ts";
import { need, type Operator, operator, refuse } from "./operator.ts";
import { checkInside, scatterElements } from "./scatterElements.ts";

type GatherElementsAttrs = { readonly axis?: number };

/** Inputs: data, indices. */
export const gatherElements: Operator<GatherElementsAttrs> = operator<GatherElementsAttrs>({
  type: "GatherElements",
  infer(inputs, { axis }) {
    const type = "GatherElements";
    const [data, indices] = [need(inputs, 0, type), need(inputs, 1, type)];
    needIndices(indices, `${type}: indices`);
    const along = axisOf(axis ?? 0, data.shape.length, `${type}: axis`);
    checkInside(data.shape, indices.shape, along, type);
    return [{ dtype: data.dtype, shape: indices.shape }];
  },
  evaluate([data, indices], attrs, [{ dtype, shape }]) {
    const axis = axisOf(attrs.axis ?? 0, shape.length, "GatherElements: axis");
    const offset = elementOffset(data!.shape, indices!, axis);
    return [
      {
        dtype,
        shape,
        data: Float64Array.from({ length: size(shape) }, (_, i) => data!.data[offset(i)]),
      },
    ];
  },
  gradient([ct], { inputs: [data, indices], attrs }) {
    const zeros = filled(ct!, known(data!.shape), 0);
    return [scatterElements({ axis: attrs.axis ?? 0, reduction: "add" }, zeros, indices, ct)];
  },
  channels: () => refuse("GatherElements picks units by index"),
  examples: [
    { inputs: [[4], int64([3], [3, 0, 3])], attrs: {}, constants: [1] },
    { inputs: [[2, 3], int64([2, 2], [1, 1, 0, -1])], attrs: { axis: 1 }, constants: [1] },
  ],
});

/** The offset in data of the i-th index: its own place, but for the axis that the index names. */
export function elementOffset(
  shape: readonly number[],
  indices: Tensor,
  axis: number,
): (i: number) => number {
  const own = strides(indices.shape);
  const to = strides(shape);
  return (i) => {
    let at = 0;
    for (let d = 0; d < shape.length; d++) {
      const index = d === axis ? indices.data[i] : Math.floor(i / own[d]) % indices.shape[d];
      const place = index < 0 ? index + shape[d] : index;
      if (!(place >= 0 && place < shape[d]))
        throw new Error(`index ${index} of axis ${d} is out of range`);
      at += place * to[d];
    }
    return at;
  };
}
