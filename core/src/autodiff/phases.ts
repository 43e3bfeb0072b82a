import type { Value } from "../ir/graph.ts";
import { known, size } from "../ir/tensor.ts";
import { depthToSpace } from "../ops/depthToSpace.ts";
import { reshapeTo } from "../ops/reshape.ts";
import { spaceToDepth } from "../ops/spaceToDepth.ts";
import { transpose } from "../ops/transpose.ts";

/**
 * A feature map [B, C, H, W] kept as its phases [B, b²·C, H/b, W/b] (space to depth): row r·b + p and
 * column s·b + q of channel c stand at (r, s) of channel (p, q, c). The phase is written in the mixed
 * radix of `factors` (coarsest first, b = Πfactors); its finest digits are outermost, so that
 * upsampling by f repeats whole blocks of channels: a broadcast.
 */
export interface Phases {
  readonly factors: readonly number[];
  /** The plain shape [B, C, H, W]. */
  readonly shape: readonly number[];
}

export const blockOf = ({ factors }: Phases): number => size(factors);

/** The number of the channel that holds phase (p, q) of channel c. */
export function channelAt({ factors, shape }: Phases, p: number, q: number, c: number): number {
  let at = 0;
  let [y, x] = [p, q];
  for (const f of [...factors].reverse()) {
    at = (at * f + (y % f)) * f + (x % f);
    [y, x] = [Math.floor(y / f), Math.floor(x / f)];
  }
  return at * shape[1] + c;
}

/** [b²·C, H/b, W/b]. */
export function phasedShape(phases: Phases): readonly number[] {
  const [, c, h, w] = phases.shape;
  const b = blockOf(phases);
  return [b * b * c, h / b, w / b];
}

/** Brings a plain value into phases. */
export function toPhases(value: Value, phases: Phases): Value {
  const { factors } = phases;
  if (factors.length === 0) return value;
  const blocks = spaceToDepth({ blocksize: blockOf(phases) }, value);
  return moveDigits(blocks, [...factors, ...factors], fineFirst(factors.length));
}

/** Back to the plain layout. */
export function fromPhases(value: Value, phases: Phases): Value {
  const { factors } = phases;
  if (factors.length === 0) return value;
  const order = fineFirst(factors.length);
  const digits = order.map((d) => factors[d % factors.length]);
  const back = order.map((_, d) => order.indexOf(d));
  return depthToSpace({ blocksize: blockOf(phases) }, moveDigits(value, digits, back));
}

/** From the digits of SpaceToDepth (of the row, then of the column) to ours, each row and column together. */
const fineFirst = (count: number): readonly number[] =>
  Array.from({ length: count }, (_, i) => count - 1 - i).flatMap((d) => [d, count + d]);

/** Reorders the leading digits of the channel axis. */
function moveDigits(value: Value, digits: readonly number[], order: readonly number[]): Value {
  if (order.every((d, i) => d === i)) return value;
  const shape = known(value.shape);
  const rest = size(shape.slice(1)) / size(digits);
  const split = reshapeTo(value, [shape[0], ...digits, rest]);
  const perm = [0, ...order.map((d) => d + 1), digits.length + 1];
  return reshapeTo(transpose({ perm }, split), shape);
}

/** For each element of one phased sample, its place in the plain sample. */
export function plainPositions(phases: Phases): Int32Array {
  const [, c, h, w] = phases.shape;
  const b = blockOf(phases);
  const [, rows, columns] = phasedShape(phases);
  const positions = new Int32Array(c * h * w);
  for (let p = 0; p < b; p++)
    for (let q = 0; q < b; q++)
      for (let channel = 0; channel < c; channel++) {
        const from = channelAt(phases, p, q, channel) * rows * columns;
        for (let r = 0; r < rows; r++)
          for (let s = 0; s < columns; s++)
            positions[from + r * columns + s] = (channel * h + r * b + p) * w + s * b + q;
      }
  return positions;
}
