import { size as elements, int64 } from "../ir/tensor.ts";
import { need, type Operator, operator, refuse } from "./operator.ts";

/** The number of elements. */
export const size: Operator<object> = operator<object>({
  type: "Size",
  infer(inputs) {
    need(inputs, 0, "Size");
    return [{ dtype: "int64", shape: [] }];
  },
  evaluate: ([x]) => [int64([], [elements(x!.shape)])],
  gradient: "none",
  channels: () => refuse("Size reads the number of units"),
  examples: [
    { inputs: [[2, 3]], attrs: {} },
    { inputs: [[]], attrs: {} },
  ],
});
