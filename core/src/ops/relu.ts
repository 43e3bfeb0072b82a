import { unary } from "./elementwise.ts";
import { mul } from "./mul.ts";
import type { Operator } from "./operator.ts";
import { positive } from "./positive.ts";

export const relu: Operator<object> = unary({
  type: "Relu",
  of: (x) => Math.max(x, 0),
  gradient: ([ct], { inputs: [x] }) => [mul({}, ct!, positive(x!))],
});
