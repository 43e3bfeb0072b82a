import { size } from "../ir/tensor.ts";
import { check, int, length } from "./check.ts";
import { carry, need, type Operator, operator, refuse } from "./operator.ts";
import { phaseOffset, spaceToDepth } from "./spaceToDepth.ts";

type DepthToSpaceAttrs = { readonly blocksize: number; readonly mode?: string };

/** The inverse of SpaceToDepth: [N, b²·C, H, W] → [N, C, b·H, b·W], channel (p, q, c) to row p, column q. */
export const depthToSpace: Operator<DepthToSpaceAttrs> = operator<DepthToSpaceAttrs>({
  type: "DepthToSpace",
  infer(inputs, { blocksize, mode = "DCR" }) {
    const x = need(inputs, 0, "DepthToSpace");
    check(mode === "DCR", `DepthToSpace: mode ${mode} is not supported`);
    check(x.shape.length === 4, "DepthToSpace: the input must have rank 4");
    const b = int(blocksize, 1, "DepthToSpace: blocksize");
    const [c, h, w] = x.shape.slice(1).map((d) => length(d, "DepthToSpace"));
    check(b >= 1 && c % (b * b) === 0, `DepthToSpace: ${c} channels do not divide by ${b}²`);
    return [{ dtype: x.dtype, shape: [x.shape[0], c / (b * b), h * b, w * b] }];
  },
  evaluate([x], { blocksize: b }, [{ dtype, shape }]) {
    const [, c, h, w] = shape;
    const data = new Float64Array(size(shape));
    const at = phaseOffset(c, h, w, b);
    const each = c * h * w;
    for (let i = 0; i < data.length; i++) data[i] = x!.data[i - (i % each) + at(i % each)];
    return [{ dtype, shape, data }];
  },
  gradient: ([ct], { attrs: { blocksize } }) => [spaceToDepth({ blocksize }, ct)],
  channels: (_node, _input, axis) =>
    axis === 0 ? carry(0) : refuse("DepthToSpace takes units apart"),
  examples: [{ inputs: [[2, 8, 2, 3]], attrs: { blocksize: 2 } }],
});
