import { exp } from "./exp.ts";
import { mul } from "./mul.ts";
import { type Operator, operator } from "./operator.ts";
import { reduceSum } from "./reduceSum.ts";
import { alongRow, largest, type RowwiseAttrs, rowwise, sumOfExp } from "./rowwise.ts";
import { sub } from "./sub.ts";

export const logSoftmax: Operator<RowwiseAttrs> = operator<RowwiseAttrs>({
  ...rowwise("LogSoftmax", "normalises over the units", (row) => {
    const m = largest(row);
    const total = m + Math.log(sumOfExp(row, m));
    return row.map((v) => v - total);
  }),
  /** ct − eʸ·Σ ct */
  gradient([ct], { outputs: [y], attrs }) {
    const axes = [alongRow("LogSoftmax", attrs, y.shape.length)];
    return [sub({}, ct, mul({}, exp({}, y), reduceSum({ axes }, ct)))];
  },
});
