import { float32, sameShape } from "../ir/tensor.ts";
import { broadcast } from "./broadcast.ts";
import { check, show } from "./check.ts";
import { greater } from "./greater.ts";
import { literal } from "./literal.ts";
import { mul } from "./mul.ts";
import type { Operator } from "./operator.ts";
import { pointwise } from "./pointwise.ts";
import { where } from "./where.ts";

/** Inputs: x, and the slope below 0, which broadcasts to x. The derivative at 0 is the slope, as in PyTorch. */
export const pRelu: Operator<object> = pointwise({
  type: "PRelu",
  fits(inputs) {
    check(inputs.length === 2, "PRelu: needs two inputs");
    const [x, slope] = inputs.map((v) => v.shape);
    check(
      sameShape(broadcast(x, slope, "PRelu"), x),
      `PRelu: slope ${show(slope)} does not broadcast to X ${show(x)}`,
    );
  },
  of: ([x, slope]) => (x < 0 ? slope * x : x),
  gradient(ct, [x, slope]) {
    const above = greater({}, x, literal(x, 0));
    return [
      mul({}, ct, where({}, above, literal(x, 1), slope)),
      mul({}, ct, where({}, above, literal(x, 0), x)),
    ];
  },
  examples: [
    {
      inputs: [
        [2, 3, 2],
        [3, 1],
      ],
      attrs: {},
      note: "a slope for each channel",
    },
    { inputs: [[2, 3], float32([1], [0.25])], attrs: {}, constants: [1], note: "one slope" },
  ],
});
