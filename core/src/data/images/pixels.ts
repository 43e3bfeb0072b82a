import { beyond, type Limits, many } from "../../limits.ts";

/** A decoded picture: rows from the top, pixels from the left, 8 bits for each channel. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  /** 1: grey; 3: red, green, blue. */
  readonly channels: 1 | 3;
  readonly data: Uint8Array;
}

/** What is wrong with an image file; whoever knows the file's name makes it a problem. */
export class BadImage extends Error {}

/** A picture that is larger than the limit. */
export class LargeImage extends BadImage {}

/** Refuses a size before anything of it is allocated. */
export function checkSize(width: number, height: number, limits: Limits): void {
  if (width === 0 || height === 0)
    throw new BadImage(`a picture of ${width} × ${height} holds nothing; replace it`);
  const pixels = width * height;
  if (pixels > limits.pixels) {
    const has = `a picture of ${width} × ${height} has ${many(pixels)} pixels`;
    throw new LargeImage(beyond(has, "pixels", limits.pixels));
  }
}
