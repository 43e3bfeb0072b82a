import { float32 } from "../ir/tensor.ts";
import { and } from "./and.ts";
import { greater } from "./greater.ts";
import { less } from "./less.ts";
import { literal } from "./literal.ts";
import { scalarFunction } from "./scalarFunction.ts";
import { where } from "./where.ts";

/** The slope is 0 at the kinks, as in PyTorch. */
export const hardSigmoid = scalarFunction({
  type: "HardSigmoid",
  defaults: { alpha: 0.2, beta: 0.5 },
  of: (x, { alpha, beta }) => Math.max(0, Math.min(1, alpha * x + beta)),
  slope(x, y, { alpha }) {
    const inside = and({}, greater({}, y, literal(x, 0)), less({}, y, literal(x, 1)));
    return where({}, inside, literal(x, alpha), literal(x, 0));
  },
  examples: [
    { inputs: [float32([5], [-4, -1.3, 0.2, 2.1, 3.5])], attrs: {} },
    { inputs: [float32([4], [-4, -1.3, 0.2, 2.1])], attrs: { alpha: 0.5, beta: 0.25 } },
  ],
});
