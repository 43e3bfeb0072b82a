import { constant, constantOf, type Value } from "../ir/graph.ts";
import { int64, known, size, type Tensor } from "../ir/tensor.ts";
import { axisOf } from "./check.ts";
import { expand } from "./expand.ts";
import { needIndices, placeOf } from "./indices.ts";
import { filled } from "./literal.ts";
import { carry, need, type Operator, operator, refuse } from "./operator.ts";
import { pad } from "./pad.ts";
import { reshapeTo } from "./reshape.ts";
import { scatterElements } from "./scatterElements.ts";

type GatherAttrs = { readonly axis?: number };

/** Inputs: data [before, n, after], indices [i…]; result [before, i…, after]. */
export const gather: Operator<GatherAttrs> = operator<GatherAttrs>({
  type: "Gather",
  infer(inputs, attrs) {
    const [data, indices] = [need(inputs, 0, "Gather"), need(inputs, 1, "Gather")];
    needIndices(indices, "Gather: indices");
    const axis = along(attrs, data);
    return [{ dtype: data.dtype, shape: data.shape.toSpliced(axis, 1, ...indices.shape) }];
  },
  evaluate([data, indices], attrs, [{ dtype, shape }]) {
    const axis = along(attrs, data!);
    const n = data!.shape[axis];
    const after = size(data!.shape.slice(axis + 1));
    const places = Array.from(indices!.data, (i) => placeOf(i, n, "Gather"));
    const result = new Float64Array(size(shape));
    for (let i = 0; i < result.length; i++) {
      const row = Math.floor(i / after);
      const page = Math.floor(row / places.length);
      result[i] = data!.data[(page * n + places[row % places.length]) * after + (i % after)];
    }
    return [{ dtype, shape, data: result }];
  },
  gradient([ct], { inputs: [data, indices], attrs }) {
    const axis = along(attrs, data!);
    const shape = known(data!.shape);
    const count = size(known(indices!.shape));
    const rows = reshapeTo(ct!, shape.with(axis, count));
    const fixed = constantOf(indices);
    const once = fixed && selection(fixed, shape[axis]);
    return [once === undefined ? scattered(rows, indices!, axis, shape) : back(rows, axis, once)];
  },
  channels({ inputs: [data, indices], attrs }, input, axis) {
    const picked = along(attrs, data!);
    if (input === 1) return refuse("indices have no units");
    if (axis === picked) return refuse("Gather picks units by their position");
    return carry(axis < picked ? axis : axis + indices!.shape.length - 1);
  },
  examples: [
    { inputs: [[3, 4], int64([2, 2], [2, 0, 1, 2])], attrs: {}, note: "an embedding" },
    { inputs: [[2, 4, 3], int64([], [-1])], attrs: { axis: 1 }, note: "one row: the axis goes" },
    { inputs: [[2, 4], int64([3], [3, 0, 2])], attrs: { axis: -1 }, note: "each at most once" },
    { inputs: [[2, 3], int64([3], [1, 2, 0])], attrs: { axis: 1 }, note: "a permutation" },
  ],
});

const along = ({ axis }: GatherAttrs, data: Pick<Value, "shape"> | Tensor): number =>
  axisOf(axis ?? 0, data.shape.length, "Gather: axis");

/** For each of n elements where it went, −1 for nowhere; undefined if one went to several places. */
function selection({ data }: Tensor, n: number): readonly number[] | undefined {
  const to = new Array<number>(n).fill(-1);
  for (let i = 0; i < data.length; i++) {
    const place = placeOf(data[i], n, "Gather");
    if (to[place] >= 0) return undefined;
    to[place] = i;
  }
  return to;
}

/** Takes each row from where it went, or a zero: without scattering. */
function back(rows: Value, axis: number, to: readonly number[]): Value {
  const shape = known(rows.shape);
  const first = to.indexOf(0);
  const rest = to.length - first - shape[axis];
  if (rest >= 0 && to.slice(first, first + shape[axis]).every((t, i) => t === i))
    return pad({ pads: [first, rest], axes: [axis] }, rows);
  const absent = to.includes(-1);
  const padded = absent ? pad({ pads: [0, 1], axes: [axis] }, rows) : rows;
  const places = to.map((t) => (t < 0 ? shape[axis] : t));
  return gather({ axis }, padded, constant(int64([places.length], places)));
}

function scattered(rows: Value, indices: Value, axis: number, shape: readonly number[]): Value {
  const from = known(rows.shape);
  const single = from.map((n, d) => (d === axis ? n : 1));
  const everywhere = expand({ shape: from }, reshapeTo(indices, single));
  const attrs = { axis, reduction: "add" };
  return scatterElements(attrs, filled(rows, shape, 0), everywhere, rows);
}
