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

/** The largest picture that is decoded: 33 megapixels. */
export const MOST_PIXELS = 2 ** 25;

/** Refuses a size before anything of it is allocated. */
export function checkSize(width: number, height: number): void {
  if (width === 0 || height === 0)
    throw new BadImage(`a picture of ${width} × ${height} holds nothing; replace it`);
  if (width * height > MOST_PIXELS)
    throw new BadImage(
      `a picture of ${width} × ${height} is too large to decode (more than ${MOST_PIXELS} pixels); make it smaller first`,
    );
}
