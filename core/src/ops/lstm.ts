import { tensor } from "../ir/tensor.ts";
import { add } from "./add.ts";
import { flag } from "./check.ts";
import { literal } from "./literal.ts";
import { matMul } from "./matMul.ts";
import { mul } from "./mul.ts";
import type { Operator } from "./operator.ts";
import { type RecurrentAttrs, recurrent } from "./recurrent.ts";
import { sub } from "./sub.ts";
import { addTo, block, blocks, type Cell } from "./unroll.ts";

export type LstmAttrs = RecurrentAttrs & {
  /** The forget gate is 1 − the input gate. */
  readonly input_forget?: number;
};

/** Gates in the order i, o, f, c; peepholes in the order i, o, f. */
export const lstm: Operator<LstmAttrs> = recurrent<LstmAttrs>({
  type: "LSTM",
  gates: 4,
  memory: true,
  activations: ["Sigmoid", "Tanh", "Tanh"],
  cell: (attrs) => cell(flag(attrs.input_forget, false, "LSTM: input_forget")),
  examples: [
    {
      inputs: [
        [3, 2, 2],
        [1, 12, 2],
        [1, 12, 3],
        [1, 24],
      ],
      attrs: { hidden_size: 3 },
    },
    {
      inputs: [[3, 2, 2], [2, 8, 2], [2, 8, 2], [2, 16], undefined, [2, 2, 2], [2, 2, 2], [2, 6]],
      attrs: { direction: "bidirectional", hidden_size: 2 },
      note: "initial states and peepholes",
    },
    {
      inputs: [
        [3, 2, 2],
        [1, 8, 2],
        [1, 8, 2],
      ],
      attrs: { direction: "reverse", activations: ["HardSigmoid", "Tanh", "Softsign"] },
      constants: [1, 2],
    },
    {
      inputs: [
        [4, 3, 2],
        [2, 4, 2],
        [2, 4, 1],
        [2, 8],
        tensor("int32", [3], Int32Array.of(2, 4, 1)),
      ],
      attrs: { direction: "bidirectional", hidden_size: 1 },
      note: "sequences of different lengths",
    },
    {
      inputs: [
        [2, 1, 2],
        [1, 8, 2],
        [1, 8, 2],
      ],
      attrs: { input_forget: 1, clip: 0.9 },
      note: "coupled gates, clipped",
    },
  ],
});

const cell =
  (coupled: boolean): Cell =>
  ({ recurrent: r, bias, peepholes: p, hidden, f: [f, g, h] }, x, before) => {
    const c0 = before.c!;
    const sums = add({}, x, addTo(matMul({}, before.h, r), bias));
    const parts = blocks(sums, hidden);
    const gate = (k: number, c: typeof c0) =>
      f(p === undefined ? parts[k] : add({}, parts[k], mul({}, block(p, k, hidden), c)));
    const i = gate(0, c0);
    const forget = coupled ? sub({}, literal(i, 1), i) : gate(2, c0);
    const c = add({}, mul({}, forget, c0), mul({}, i, g(parts[3])));
    return { h: mul({}, gate(1, c), h(c)), c };
  };
