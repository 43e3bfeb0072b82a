import { float32 } from "../ir/tensor.ts";
import { div } from "./div.ts";
import { outputOf, unary } from "./elementwise.ts";
import { literal } from "./literal.ts";
import { mul } from "./mul.ts";
import type { Operator } from "./operator.ts";

export const sqrt: Operator<object> = unary({
  type: "Sqrt",
  of: Math.sqrt,
  gradient: ([ct], node) => [div({}, mul({}, ct!, literal(ct!, 0.5)), outputOf(node))],
  examples: [{ inputs: [float32([3], [0.25, 1, 2.25])], attrs: {} }],
});
