import { add } from "./add.ts";
import { flag } from "./check.ts";
import { matMul } from "./matMul.ts";
import { mul } from "./mul.ts";
import type { Operator } from "./operator.ts";
import { type RecurrentAttrs, recurrent } from "./recurrent.ts";
import { sub } from "./sub.ts";
import { addTo, block, blocks, type Cell } from "./unroll.ts";

export type GruAttrs = RecurrentAttrs & {
  /** The reset gate scales R·h + bias (as in PyTorch), not h. */
  readonly linear_before_reset?: number;
};

/** Gates in the order z, r, h. */
export const gru: Operator<GruAttrs> = recurrent<GruAttrs>({
  type: "GRU",
  gates: 3,
  memory: false,
  activations: ["Sigmoid", "Tanh"],
  cell: (attrs) => cell(flag(attrs.linear_before_reset, false, "GRU: linear_before_reset")),
  examples: [
    {
      inputs: [
        [3, 2, 2],
        [1, 9, 2],
        [1, 9, 3],
        [1, 18],
      ],
      attrs: { hidden_size: 3 },
    },
    {
      inputs: [[3, 2, 2], [2, 6, 2], [2, 6, 2], [2, 12], undefined, [2, 2, 2]],
      attrs: { direction: "bidirectional", linear_before_reset: 1 },
    },
    {
      inputs: [
        [2, 2, 1],
        [1, 6, 1],
        [1, 6, 2],
      ],
      attrs: { direction: "reverse" },
    },
  ],
});

const cell =
  (linear: boolean): Cell =>
  ({ recurrent: r, bias, hidden, f: [f, g] }, x, { h }) => {
    const part = (index: number, count: number, from: typeof h) =>
      addTo(
        matMul({}, from, block(r, index, hidden, count)),
        bias && block(bias, index, hidden, count),
      );
    const [xz, xr, xh] = blocks(x, hidden);
    const [hz, hr, hh] = blocks(part(0, linear ? 3 : 2, h), hidden);
    const update = f(add({}, xz, hz));
    const reset = f(add({}, xr, hr));
    const recalled = linear ? mul({}, reset, hh) : part(2, 1, mul({}, reset, h));
    const fresh = g(add({}, xh, recalled));
    // (1 − z)·fresh + z·h
    return { h: add({}, fresh, mul({}, update, sub({}, h, fresh))) };
  };
