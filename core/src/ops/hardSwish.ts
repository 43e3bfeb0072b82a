import { float32 } from "../ir/tensor.ts";
import { add } from "./add.ts";
import { greater } from "./greater.ts";
import { greaterOrEqual } from "./greaterOrEqual.ts";
import { literal } from "./literal.ts";
import { mul } from "./mul.ts";
import { scalarFunction } from "./scalarFunction.ts";
import { where } from "./where.ts";

/** x·max(0, min(1, x/6 + ½)); the slope is 0 at −3 and 1 at 3, as in PyTorch. */
export const hardSwish = scalarFunction({
  type: "HardSwish",
  of: (x) => x * Math.max(0, Math.min(1, x / 6 + 0.5)),
  slope(x) {
    const line = add({}, mul({}, x, literal(x, 1 / 3)), literal(x, 0.5));
    const below = where({}, greaterOrEqual({}, x, literal(x, 3)), literal(x, 1), line);
    return where({}, greater({}, x, literal(x, -3)), below, literal(x, 0));
  },
  examples: [{ inputs: [float32([6], [-4, -2.5, -1.3, 0.2, 2.1, 3.5])], attrs: {} }],
});
