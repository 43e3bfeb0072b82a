import { constantOf, type Node } from "../ir/graph.ts";
import { scalar, tensor } from "../ir/tensor.ts";
import { check } from "./check.ts";
import { carry, need, type Operator, operator, refuse } from "./operator.ts";

const off = tensor("bool", [], Uint8Array.of(0));

/** Inference form: the identity, and a mask of ones. Inputs: data, ratio, training_mode. */
export const dropout: Operator<object> = operator<object>({
  type: "Dropout",
  infer(inputs) {
    const { dtype, shape } = need(inputs, 0, "Dropout");
    const training = inputs[2];
    check(
      training === undefined || constantOf(training)?.data[0] === 0,
      "Dropout: training_mode is on or computed: export the model for inference",
    );
    return [
      { dtype, shape },
      { dtype: "bool", shape },
    ];
  },
  evaluate: ([x], _attrs, [y, mask]) => [
    { dtype: y.dtype, shape: y.shape, data: x!.data },
    { dtype: "bool", shape: mask.shape, data: new Uint8Array(x!.data.length).fill(1) },
  ],
  gradient: ([ct]) => [ct],
  channels: (_node: Node<object>, input, axis) =>
    input === 0 ? carry(axis) : refuse("a parameter of Dropout has no units"),
  examples: [
    { inputs: [[2, 3]], attrs: {} },
    { inputs: [[2, 3], scalar(0.4), off], attrs: {}, constants: [1, 2] },
  ],
});
