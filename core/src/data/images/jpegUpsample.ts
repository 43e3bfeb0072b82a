import type { Sampling } from "./jpegSegments.ts";

export interface Plane {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/**
 * Doubles a plane across, down or both as libjpeg's jdsample.c does: each new sample is 3/4 of the
 * nearer and 1/4 of the farther old one, in integers.
 * @param step 1 or 2 in each direction
 */
export function upsample(plane: Plane, { across, down }: Sampling): Plane {
  if (across === 2 && down === 2) return both(plane);
  if (across === 2) return wider(plane);
  return down === 2 ? taller(plane) : plane;
}

/** h2v1: the outermost samples are copied; roundings alternate. */
function wider({ width, height, data }: Plane): Plane {
  const out = new Uint8Array(2 * width * height);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const at = y * width + x;
      const left = x === 0 ? data[at] : data[at - 1];
      const right = x === width - 1 ? data[at] : data[at + 1];
      out[2 * at] = x === 0 ? data[at] : (3 * data[at] + left + 1) >> 2;
      out[2 * at + 1] = x === width - 1 ? data[at] : (3 * data[at] + right + 2) >> 2;
    }
  return { width: 2 * width, height, data: out };
}

/** h1v2 */
function taller({ width, height, data }: Plane): Plane {
  const out = new Uint8Array(2 * width * height);
  for (let y = 0; y < 2 * height; y++) {
    const near = (y >> 1) * width;
    const far = neighbour(y, height) * width;
    const round = y % 2 === 0 ? 1 : 2;
    for (let x = 0; x < width; x++)
      out[y * width + x] = (3 * data[near + x] + data[far + x] + round) >> 2;
  }
  return { width, height: 2 * height, data: out };
}

/** h2v2: sums down first, then across, rounded once. */
function both({ width, height, data }: Plane): Plane {
  const out = new Uint8Array(4 * width * height);
  const sums = new Int32Array(width);
  for (let y = 0; y < 2 * height; y++) {
    const near = (y >> 1) * width;
    const far = neighbour(y, height) * width;
    for (let x = 0; x < width; x++) sums[x] = 3 * data[near + x] + data[far + x];
    const to = 2 * y * width;
    for (let x = 0; x < width; x++) {
      const left = x === 0 ? sums[x] : sums[x - 1];
      const right = x === width - 1 ? sums[x] : sums[x + 1];
      out[to + 2 * x] = (3 * sums[x] + left + 8) >> 4;
      out[to + 2 * x + 1] = (3 * sums[x] + right + 7) >> 4;
    }
  }
  return { width: 2 * width, height: 2 * height, data: out };
}

/** The old row on the other side of a new one; the edge stands for what is beyond it. */
const neighbour = (y: number, height: number): number =>
  Math.min(height - 1, Math.max(0, (y >> 1) + (y % 2 === 0 ? -1 : 1)));
