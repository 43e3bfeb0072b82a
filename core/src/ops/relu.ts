import { unary } from "./elementwise.ts";
import { mul } from "./mul.ts";
import type { Operator } from "./operator.ts";
import { positive } from "./positive.ts";

export const relu: Operator<object> = unary({
  type: "Relu",
  of: (x) => Math.max(x, 0),
  // Of the result, which is kept anyway: it is positive where x is.
  gradient: ([ct], { outputs: [y] }) => [mul({}, ct!, positive(y))],
});
