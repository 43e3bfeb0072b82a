import { mul } from "./mul.ts";
import { type Operator, operator } from "./operator.ts";
import { reduceSum } from "./reduceSum.ts";
import { alongRow, largest, type RowwiseAttrs, rowwise, sumOfExp } from "./rowwise.ts";
import { sub } from "./sub.ts";

export const softmax: Operator<RowwiseAttrs> = operator<RowwiseAttrs>({
  ...rowwise("Softmax", "normalises over the units", (row) => {
    const m = largest(row);
    const sum = sumOfExp(row, m);
    return row.map((v) => Math.exp(v - m) / sum);
  }),
  /** y·(ct − Σ ct·y) */
  gradient([ct], { outputs: [y], attrs }) {
    const axes = [alongRow("Softmax", attrs, y.shape.length)];
    return [mul({}, y, sub({}, ct, reduceSum({ axes }, mul({}, ct, y))))];
  },
});
