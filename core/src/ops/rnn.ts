import { add } from "./add.ts";
import { matMul } from "./matMul.ts";
import type { Operator } from "./operator.ts";
import { type RecurrentAttrs, recurrent } from "./recurrent.ts";
import { addTo } from "./unroll.ts";

/** h ← f(X·Wᵀ + h·Rᵀ + biases) */
export const rnn: Operator<RecurrentAttrs> = recurrent<RecurrentAttrs>({
  type: "RNN",
  gates: 1,
  memory: false,
  activations: ["Tanh"],
  cell:
    () =>
    ({ recurrent: r, bias, f: [f] }, x, { h }) => ({
      h: f(add({}, x, addTo(matMul({}, h, r), bias))),
    }),
  examples: [
    {
      inputs: [
        [3, 2, 2],
        [1, 3, 2],
        [1, 3, 3],
        [1, 6],
      ],
      attrs: { hidden_size: 3 },
    },
    {
      inputs: [[3, 2, 2], [2, 2, 2], [2, 2, 2], [2, 4], undefined, [2, 2, 2]],
      attrs: {
        direction: "bidirectional",
        activations: ["Affine", "ScaledTanh"],
        activation_alpha: [0.5, 0.8],
        activation_beta: [0.1, 0.7],
      },
    },
  ],
});
