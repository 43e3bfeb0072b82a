import type { Value } from "../ir/graph.ts";
import { known, size } from "../ir/tensor.ts";
import { reshapeTo } from "../ops/reshape.ts";
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
  const [batch, c, h, w] = known(value.shape);
  const b = blockOf(phases);
  const k = factors.length;
  // Axes: 0 batch, 1 channel, 2 rows, 3… row digits (coarsest first), 3+k columns, then column digits.
  const split = reshapeTo(value, [batch, c, h / b, ...factors, w / b, ...factors]);
  const digits = factors.flatMap((_, i) => [3 + (k - 1 - i), 4 + k + (k - 1 - i)]);
  const moved = transpose({ perm: [0, ...digits, 1, 2, 3 + k] }, split);
  return reshapeTo(moved, [batch, ...phasedShape(phases)]);
}

/** Back to the plain layout. */
export function fromPhases(value: Value, phases: Phases): Value {
  const { factors, shape } = phases;
  if (factors.length === 0) return value;
  const [, c, h, w] = shape;
  const batch = known(value.shape)[0];
  const b = blockOf(phases);
  const k = factors.length;
  const fine = [...factors].reverse().flatMap((f) => [f, f]);
  const split = reshapeTo(value, [batch, ...fine, c, h / b, w / b]);
  const rows = factors.map((_, i) => 1 + 2 * (k - 1 - i));
  const columns = rows.map((axis) => axis + 1);
  const moved = transpose(
    { perm: [0, 1 + 2 * k, 2 + 2 * k, ...rows, 3 + 2 * k, ...columns] },
    split,
  );
  return reshapeTo(moved, [batch, c, h, w]);
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
