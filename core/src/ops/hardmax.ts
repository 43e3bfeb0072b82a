import { size } from "../ir/tensor.ts";
import { axisOf, needFloat } from "./check.ts";
import { carry, need, type Operator, operator, refuse } from "./operator.ts";

type HardmaxAttrs = { readonly axis?: number };

/** 1 at the first maximum along the axis, else 0. */
export const hardmax: Operator<HardmaxAttrs> = operator<HardmaxAttrs>({
  type: "Hardmax",
  infer(inputs, attrs) {
    const x = need(inputs, 0, "Hardmax");
    needFloat(x, "Hardmax");
    along(attrs, x.shape.length);
    return [{ dtype: x.dtype, shape: x.shape }];
  },
  evaluate([x], attrs, [{ dtype, shape }]) {
    const axis = along(attrs, shape.length);
    const n = shape[axis];
    const inner = size(shape.slice(axis + 1));
    const data = new Float64Array(x!.data.length);
    for (let i = 0; i < data.length; i++) {
      if (Math.floor(i / inner) % n !== 0) continue;
      let best = i;
      for (let k = 1; k < n; k++) if (x!.data[i + k * inner] > x!.data[best]) best = i + k * inner;
      data[best] = 1;
    }
    return [{ dtype, shape, data }];
  },
  gradient: "none",
  channels: ({ outputs: [y], attrs }, _input, axis) =>
    axis === along(attrs, y.shape.length) ? refuse("Hardmax compares the units") : carry(axis),
  examples: [
    { inputs: [[2, 3]], attrs: {} },
    { inputs: [[2, 3, 2]], attrs: { axis: 1 } },
  ],
});

const along = ({ axis }: HardmaxAttrs, rank: number): number =>
  axisOf(axis ?? -1, rank, "Hardmax: axis");
