import { type Operator, operator } from "./operator.ts";
import { type RowwiseAttrs, rowwise } from "./rowwise.ts";

/** 1 at the first maximum along the axis, else 0. */
export const hardmax: Operator<RowwiseAttrs> = operator<RowwiseAttrs>({
  ...rowwise("Hardmax", "compares the units", (row) => {
    let best = 0;
    row.forEach((v, k) => {
      if (v > row[best]) best = k;
    });
    return row.map((_, k) => (k === best ? 1 : 0));
  }),
  gradient: "none",
});
