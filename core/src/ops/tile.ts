import { known, size, strides } from "../ir/tensor.ts";
import { ints } from "./check.ts";
import { constantInputs } from "./constantInputs.ts";
import { product } from "./dims.ts";
import { need, type Operator, operator } from "./operator.ts";
import { reduceSum } from "./reduceSum.ts";
import { reshapeTo } from "./reshape.ts";

type TileAttrs = { readonly repeats: readonly number[] };

/** Repeats the whole tensor `repeats` times along each axis. */
export const tile: Operator<TileAttrs> = operator<TileAttrs>({
  type: "Tile",
  infer(inputs, attrs) {
    const { dtype, shape } = need(inputs, 0, "Tile");
    const repeats = ints(attrs.repeats, { length: shape.length, least: 0 }, "Tile: repeats");
    return [{ dtype, shape: shape.map((n, d) => product([n, repeats[d]])) }];
  },
  evaluate([x], _attrs, [{ dtype, shape }]) {
    const from = strides(x!.shape);
    const own = strides(shape);
    const data = Float64Array.from({ length: size(shape) }, (_, i) => {
      let at = 0;
      for (let d = 0; d < shape.length; d++)
        at += ((Math.floor(i / own[d]) % shape[d]) % x!.shape[d]) * from[d];
      return x!.data[at];
    });
    return [{ dtype, shape, data }];
  },
  gradient([ct], { inputs: [x], attrs: { repeats } }) {
    const shape = known(x!.shape);
    const split = shape.flatMap((n, d) => [repeats[d], n]);
    const axes = shape.flatMap((_, d) => (repeats[d] === 1 ? [] : [2 * d]));
    if (axes.length === 0) return [ct];
    return [reshapeTo(reduceSum({ axes, keepdims: 0 }, reshapeTo(ct!, split)), shape)];
  },
  channels: ({ attrs }, _input, axis) => ({
    kind: "carry",
    axis,
    outer: attrs.repeats[axis],
    inner: 1,
    cuts: [],
  }),
  ...constantInputs("Tile", [{ attr: "repeats", input: 1 }]),
  examples: [
    { inputs: [[2, 3]], attrs: { repeats: [2, 1] } },
    { inputs: [[2, 1, 2]], attrs: { repeats: [1, 3, 2] } },
    { inputs: [[2]], attrs: { repeats: [1] } },
  ],
});
