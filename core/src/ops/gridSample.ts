import { backward } from "../autodiff/backward.ts";
import { constant } from "../ir/graph.ts";
import { known } from "../ir/tensor.ts";
import { evaluate } from "../runtime/reference.ts";
import { cutting } from "./channels.ts";
import { check, equalDims, flag, needFloat, rankFrom, sameDType } from "./check.ts";
import { identity } from "./identity.ts";
import { carry, need, type Operator, operator, refuse } from "./operator.ts";
import { sampled } from "./sampled.ts";

type GridSampleAttrs = {
  /** linear, nearest or cubic. */
  readonly mode?: string;
  /** zeros, border or reflection. */
  readonly padding_mode?: string;
  readonly align_corners?: number;
};

const MODES = ["linear", "nearest", "cubic"];
const PADDINGS = ["zeros", "border", "reflection"];

/**
 * Inputs: X [N, C, …], grid [N, …, s]: places between −1 and 1, the last axis of X first.
 * Evaluation and gradient go by the sampling written out with gathers.
 */
export const gridSample: Operator<GridSampleAttrs> = operator<GridSampleAttrs>({
  type: "GridSample",
  infer(inputs, attrs) {
    const [x, grid] = [need(inputs, 0, "GridSample"), need(inputs, 1, "GridSample")];
    needFloat(x, "GridSample");
    sameDType(x, grid, "GridSample");
    const rank = rankFrom(x, 3, "GridSample: X");
    check(
      grid.shape.length === rank && grid.shape[rank - 1] === rank - 2,
      `GridSample: grid must have rank ${rank} and ${rank - 2} coordinates`,
    );
    equalDims(x.shape[0], grid.shape[0], "GridSample: axis 0");
    howOf(attrs);
    return [{ dtype: x.dtype, shape: [x.shape[0], x.shape[1], ...grid.shape.slice(1, -1)] }];
  },
  evaluate: ([x, grid], attrs) =>
    evaluate([sampled(constant(x!), constant(grid!), howOf(attrs))], new Map()),
  gradient([cotangent], { inputs, attrs }) {
    const [x, grid] = inputs.map((v) => identity({}, v));
    const output = sampled(x, grid, howOf(attrs));
    const found = backward([{ output, cotangent: cotangent! }], [x, grid]);
    return [found.get(x), found.get(grid)];
  },
  channels(node, input, axis) {
    if (input === 1) return refuse("a grid has no units");
    if (axis === 1) return carry(1);
    if (axis > 1) return refuse("it is a spatial axis of GridSample");
    return cutting(node, [{ input: 1, axis: 0 }], (cuts) => carry(0, cuts));
  },
  macs: ({ outputs: [y] }) => 4 * known(y.shape).reduce((a, b) => a * b, 1),
  examples: [
    {
      inputs: [
        [2, 2, 3, 4],
        [2, 2, 2, 2],
      ],
      attrs: {},
    },
    {
      inputs: [
        [1, 2, 4, 3],
        [1, 3, 2, 2],
      ],
      attrs: { padding_mode: "border", align_corners: 1 },
    },
    {
      inputs: [
        [1, 1, 3, 3],
        [1, 2, 3, 2],
      ],
      attrs: { padding_mode: "reflection" },
    },
    {
      inputs: [
        [1, 2, 4, 4],
        [1, 2, 2, 2],
      ],
      attrs: { mode: "nearest", align_corners: 1 },
    },
    {
      inputs: [
        [1, 1, 5, 5],
        [1, 2, 2, 2],
      ],
      attrs: { mode: "cubic" },
    },
    {
      inputs: [
        [1, 1, 2, 3, 2],
        [1, 2, 1, 2, 3],
      ],
      attrs: {},
      note: "three spatial axes",
    },
  ],
});

function howOf({
  mode = "linear",
  padding_mode: padding = "zeros",
  align_corners,
}: GridSampleAttrs) {
  check(MODES.includes(mode), `GridSample: mode ${mode} is unknown`);
  check(PADDINGS.includes(padding), `GridSample: padding_mode ${padding} is unknown`);
  return { mode, padding, corners: flag(align_corners, false, "GridSample: align_corners") };
}
