import { size } from "../ir/tensor.ts";
import { check, int, length } from "./check.ts";
import { depthToSpace } from "./depthToSpace.ts";
import { carry, need, type Operator, operator, refuse } from "./operator.ts";

export type BlockAttrs = { readonly blocksize: number };

/** [N, C, H, W] → [N, b²·C, H/b, W/b]: row p and column q of each block become channel (p, q, c). */
export const spaceToDepth: Operator<BlockAttrs> = operator<BlockAttrs>({
  type: "SpaceToDepth",
  infer(inputs, { blocksize }) {
    const x = need(inputs, 0, "SpaceToDepth");
    check(x.shape.length === 4, "SpaceToDepth: the input must have rank 4");
    const b = int(blocksize, 1, "SpaceToDepth: blocksize");
    const [c, h, w] = x.shape.slice(1).map((d) => length(d, "SpaceToDepth"));
    check(
      b >= 1 && h % b === 0 && w % b === 0,
      `SpaceToDepth: ${h} × ${w} does not divide by ${b}`,
    );
    return [{ dtype: x.dtype, shape: [x.shape[0], b * b * c, h / b, w / b] }];
  },
  evaluate([x], { blocksize: b }, [{ dtype, shape }]) {
    const [, c, h, w] = x!.shape;
    const data = new Float64Array(size(shape));
    const at = phaseOffset(c, h, w, b);
    const each = c * h * w;
    for (let i = 0; i < data.length; i++) data[i - (i % each) + at(i % each)] = x!.data[i];
    return [{ dtype, shape, data }];
  },
  gradient: ([ct], { attrs }) => [depthToSpace({ ...attrs }, ct)],
  channels: (_node, _input, axis) =>
    axis === 0 ? carry(0) : refuse("SpaceToDepth spreads the units over phases"),
  examples: [
    { inputs: [[2, 3, 4, 6]], attrs: { blocksize: 2 } },
    { inputs: [[1, 1, 3, 6]], attrs: { blocksize: 3 } },
  ],
});

/** Where element (c, y, x) of one plain sample stands among its phases. */
export function phaseOffset(
  channels: number,
  height: number,
  width: number,
  b: number,
): (element: number) => number {
  const [rows, columns] = [height / b, width / b];
  return (e) => {
    const c = Math.floor(e / (height * width));
    const y = Math.floor(e / width) % height;
    const x = e % width;
    const channel = ((y % b) * b + (x % b)) * channels + c;
    return (channel * rows + Math.floor(y / b)) * columns + Math.floor(x / b);
  };
}
