import { int64, known, type Shape } from "../ir/tensor.ts";
import { int } from "./check.ts";
import { need, type Operator, operator, refuse } from "./operator.ts";

export type ShapeAttrs = { readonly start?: number; readonly end?: number };

/** The lengths of the axes from `start` to before `end`. */
export const shape: Operator<ShapeAttrs> = operator<ShapeAttrs>({
  type: "Shape",
  infer(inputs, attrs) {
    const x = need(inputs, 0, "Shape");
    return [{ dtype: "int64", shape: [lengths(x.shape, attrs).length] }];
  },
  evaluate([x], attrs) {
    const found = known(lengths(x!.shape, attrs));
    return [int64([found.length], found)];
  },
  gradient: "none",
  channels: () => refuse("Shape reads the number of units"),
  examples: [
    { inputs: [[2, 3, 4]], attrs: {} },
    { inputs: [[2, 3, 4]], attrs: { start: 1 } },
    { inputs: [[2, 3, 4]], attrs: { start: -3, end: -1 } },
    { inputs: [[2, 3]], attrs: { start: 2, end: 1 }, note: "none" },
  ],
});

/** Beyond the ends, `start` and `end` are clamped. */
function lengths(dims: Shape, { start, end }: ShapeAttrs): Shape {
  return dims.slice(
    int(start, 0, "Shape: start"),
    Math.max(-dims.length, int(end, dims.length, "Shape: end")),
  );
}
