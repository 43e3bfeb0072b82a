import { type Dim, known } from "../ir/tensor.ts";
import { axesOf, ints } from "./check.ts";
import { constantInputs } from "./constantInputs.ts";
import { carry, need, type Operator, operator } from "./operator.ts";
import { reshapeTo } from "./reshape.ts";

type UnsqueezeAttrs = {
  /** Axes of the result that are new, of length 1. */
  readonly axes: readonly number[];
};

export const unsqueeze: Operator<UnsqueezeAttrs> = operator<UnsqueezeAttrs>({
  type: "Unsqueeze",
  infer(inputs, attrs) {
    const { dtype, shape } = need(inputs, 0, "Unsqueeze");
    return [{ dtype, shape: sources(shape.length, attrs).map((d): Dim => (d < 0 ? 1 : shape[d])) }];
  },
  evaluate: ([x], _attrs, [{ dtype, shape }]) => [{ dtype, shape, data: x!.data }],
  gradient: ([ct], { inputs: [x] }) => [reshapeTo(ct!, known(x!.shape))],
  channels: ({ inputs: [x], attrs }, _input, axis) =>
    carry(sources(x!.shape.length, attrs).indexOf(axis)),
  ...constantInputs("Unsqueeze", [{ attr: "axes", input: 1 }]),
  examples: [
    { inputs: [[2, 3]], attrs: { axes: [1] } },
    { inputs: [[2, 3]], attrs: { axes: [-1, 0] } },
    { inputs: [[]], attrs: { axes: [0] } },
  ],
});

/** For each axis of the result the axis it was, −1 for a new one. */
function sources(rank: number, attrs: UnsqueezeAttrs): readonly number[] {
  const given = ints(attrs.axes, {}, "Unsqueeze: axes");
  const total = rank + given.length;
  const fresh = axesOf(given, total, "Unsqueeze: axes");
  let next = 0;
  return Array.from({ length: total }, (_, d) => (fresh.includes(d) ? -1 : next++));
}
