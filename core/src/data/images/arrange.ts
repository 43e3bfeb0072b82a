import { BadImage, type Pixels } from "./pixels.ts";
import { type Resize, resample } from "./resample.ts";

/** The longest side that pictures are resized or cut to. */
const MOST_SIDE = 2 ** 14;

/** Whether a length can be asked for. */
export const isLength = (v: number): boolean => Number.isInteger(v) && v >= 1 && v <= MOST_SIDE;

/** What lengths can be, in words. */
export const LENGTHS = `whole numbers from 1 to ${MOST_SIDE}`;

/** How pictures become samples of one size. */
export interface Arrangement {
  /** [height, width], or the length of the shorter side: the other keeps the ratio. */
  readonly size?: number | readonly number[];
  /** "bilinear" unless given. */
  readonly resize?: Resize;
  /** [height, width] that is cut from the middle after resizing. */
  readonly crop?: readonly number[];
  /** "rgb" unless given. */
  readonly channels?: Channels;
}

export type Channels = "rgb" | "bgr" | "grey";

/** Resizes, then cuts from the middle: torchvision's Resize and CenterCrop. Throws BadImage. */
export function arrange(
  image: Pixels,
  { size, resize = "bilinear", crop, channels = "rgb" }: Arrangement,
): Pixels {
  const coloured = inChannels(image, channels);
  const [height, width] = resized(coloured, size);
  const sized =
    height === coloured.height && width === coloured.width
      ? coloured
      : resample(coloured, width, height, resize);
  return crop === undefined ? sized : centre(sized, crop);
}

function resized({ width, height }: Pixels, size: Arrangement["size"]): readonly number[] {
  if (size === undefined) return [height, width];
  if (typeof size !== "number") return size;
  const longer = Math.max(
    1,
    Math.trunc((size * Math.max(width, height)) / Math.min(width, height)),
  );
  const found = width <= height ? [longer, size] : [size, longer];
  if (longer > MOST_SIDE)
    throw new BadImage(
      `a picture of ${width} × ${height} would become ${found[1]} × ${found[0]}; give "size" as [height, width]`,
    );
  return found;
}

function centre(image: Pixels, [height, width]: readonly number[]): Pixels {
  const { channels } = image;
  if (image.width < width || image.height < height)
    throw new BadImage(
      `${width} × ${height} cannot be cut from a picture of ${image.width} × ${image.height}; give a smaller "crop" or a larger "size"`,
    );
  const top = halfEven(image.height - height);
  const left = halfEven(image.width - width);
  const data = new Uint8Array(width * height * channels);
  for (let y = 0; y < height; y++) {
    const from = ((top + y) * image.width + left) * channels;
    data.set(image.data.subarray(from, from + width * channels), y * width * channels);
  }
  return { width, height, channels, data };
}

/** Half of a number as Python rounds it, to the even neighbour. */
function halfEven(n: number): number {
  const down = Math.floor(n / 2);
  return n % 2 === 1 && down % 2 === 1 ? down + 1 : down;
}

/** Grey by Pillow's weights (ITU-R 601-2), grey as colour three times the same. */
function inChannels(image: Pixels, channels: Channels): Pixels {
  const { width, height, data } = image;
  const count = width * height;
  if (channels === "grey") {
    if (image.channels === 1) return image;
    const grey = new Uint8Array(count);
    for (let i = 0; i < count; i++)
      grey[i] =
        (19595 * data[3 * i] + 38470 * data[3 * i + 1] + 7471 * data[3 * i + 2] + 0x8000) >> 16;
    return { width, height, channels: 1, data: grey };
  }
  if (image.channels === 3 && channels === "rgb") return image;
  const out = new Uint8Array(3 * count);
  for (let i = 0; i < count; i++)
    for (let c = 0; c < 3; c++)
      out[3 * i + c] = image.channels === 1 ? data[i] : data[3 * i + 2 - c];
  return { width, height, channels: 3, data: out };
}
