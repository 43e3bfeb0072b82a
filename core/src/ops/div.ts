import { isFloat } from "../ir/tensor.ts";
import { binary } from "./broadcast.ts";
import { outputOf } from "./elementwise.ts";
import { mul } from "./mul.ts";
import { neg } from "./neg.ts";

export const div = binary({
  type: "Div",
  of: (a, b, dtype) => (isFloat(dtype) ? a / b : Math.trunc(a / b)),
  gradient(ct, _a, b, node) {
    const da = div({}, ct, b);
    return [da, neg({}, mul({}, da, outputOf(node)))];
  },
});
