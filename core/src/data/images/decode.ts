import { type Limits, USUAL_LIMITS } from "../../limits.ts";
import { decodeJpeg } from "./jpeg.ts";
import { BadImage, type Pixels } from "./pixels.ts";
import { decodePng, isPng } from "./png.ts";

/** Names of files that are taken for pictures. */
export const isPicture = (name: string): boolean => /\.(png|jpe?g)$/i.test(name);

/** Pictures of kinds that are not read: leaving them out silently would change the data. */
export const isOtherPicture = (name: string): boolean =>
  /\.(bmp|gif|tiff?|webp|avif|heic|jp2|jxl|p[bgnp]m)$/i.test(name);

/**
 * A PNG or JPEG file as Pillow's `Image.open` gives it in mode L or RGB: alpha is dropped, 16-bit
 * channels keep their high byte, a note on orientation (EXIF) is not followed. Throws BadImage.
 */
export function decodeImage(bytes: Uint8Array, limits: Limits = USUAL_LIMITS): Pixels {
  if (isPng(bytes)) return decodePng(bytes, limits);
  if (bytes[0] === 0xff && bytes[1] === 0xd8) return decodeJpeg(bytes, limits);
  throw new BadImage("it is neither PNG nor JPEG, whatever its name says; save it as one of them");
}
