import { unary } from "./elementwise.ts";
import { mul } from "./mul.ts";
import { neg } from "./neg.ts";
import type { Operator } from "./operator.ts";
import { positive } from "./positive.ts";
import { sub } from "./sub.ts";

export const abs: Operator<object> = unary({
  type: "Abs",
  of: Math.abs,
  gradient([ct], { inputs: [x] }) {
    const sign = sub({}, positive(x!), positive(neg({}, x)));
    return [mul({}, ct!, sign)];
  },
});
