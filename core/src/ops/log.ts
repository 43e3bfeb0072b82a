import { float32 } from "../ir/tensor.ts";
import { div } from "./div.ts";
import { unary } from "./elementwise.ts";
import type { Operator } from "./operator.ts";

export const log: Operator<object> = unary({
  type: "Log",
  of: Math.log,
  gradient: ([ct], { inputs: [x] }) => [div({}, ct!, x)],
  examples: [{ inputs: [float32([3], [0.25, 1, 2.25])], attrs: {} }],
});
