import jpeg from "jpeg-js";
import type { Limits } from "../../limits.ts";
import { damaged, type JpegParts, readSegments, type Sampling } from "./jpegSegments.ts";
import { type Plane, upsample } from "./jpegUpsample.ts";
import type { Pixels } from "./pixels.ts";

/** 4 bytes for each coefficient of three components, and what they become. */
const BYTES_PER_PIXEL = 24;

/**
 * Chroma that is stored at half the resolution is spread as libjpeg does ("fancy upsampling"), and
 * becomes RGB in its arithmetic: Pillow and torchvision see the same pixels but for the rounding of
 * the inverse cosine transform. Throws BadImage.
 */
export function decodeJpeg(bytes: Uint8Array, limits: Limits): Pixels {
  const parts = readSegments(bytes, limits);
  const { width, height, components, rgb } = parts;
  const raw = decoded(parts, limits);
  if (components.length === 1)
    return { width, height, channels: 1, data: everyThird(raw, width * height) };
  if (rgb) return { width, height, channels: 3, data: raw };
  const most = {
    across: Math.max(...components.map((c) => c.across)),
    down: Math.max(...components.map((c) => c.down)),
  };
  components.forEach((own, c) => {
    const [x, y] = [most.across / own.across, most.down / own.down];
    if (x !== 1 || y !== 1) spread(raw, c, parts, { across: x, down: y });
  });
  toRgb(raw);
  return { width, height, channels: 3, data: raw };
}

/** Three bytes per pixel: the components, those of lower resolution repeated. */
function decoded({ bytes, width, height }: JpegParts, { pixels }: Limits): Uint8Array {
  try {
    const {
      data,
      width: w,
      height: h,
    } = jpeg.decode(bytes, {
      useTArray: true,
      formatAsRGBA: false,
      colorTransform: false,
      tolerantDecoding: false,
      maxResolutionInMP: pixels / 1e6 + 1,
      maxMemoryUsageInMB: (pixels * BYTES_PER_PIXEL) / 2 ** 20,
    });
    if (w !== width || h !== height) damaged("its size is given twice");
    return data;
  } catch (error) {
    return damaged(error instanceof Error ? error.message : String(error));
  }
}

const everyThird = (raw: Uint8Array, count: number): Uint8Array =>
  Uint8Array.from({ length: count }, (_, i) => raw[3 * i]);

/** Replaces a component that was repeated by one that is interpolated. */
function spread(raw: Uint8Array, c: number, { width, height }: JpegParts, step: Sampling): void {
  // Factors like 3:2 are rare; libjpeg repeats what is not 1 or 2 too.
  if (![1, 2].includes(step.across) || ![1, 2].includes(step.down)) return;
  const small: Plane = {
    width: Math.ceil(width / step.across),
    height: Math.ceil(height / step.down),
    data: new Uint8Array(Math.ceil(width / step.across) * Math.ceil(height / step.down)),
  };
  for (let y = 0; y < small.height; y++)
    for (let x = 0; x < small.width; x++)
      small.data[y * small.width + x] = raw[3 * (y * step.down * width + x * step.across) + c];
  const large = upsample(small, step);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) raw[3 * (y * width + x) + c] = large.data[y * large.width + x];
}

/** In place, with the 16-bit constants of libjpeg's jdcolor.c. */
function toRgb(raw: Uint8Array): void {
  const half = 1 << 15;
  const clamped = new Uint8ClampedArray(3);
  for (let i = 0; i < raw.length; i += 3) {
    const y = raw[i];
    const cb = raw[i + 1] - 128;
    const cr = raw[i + 2] - 128;
    clamped[0] = y + ((91881 * cr + half) >> 16);
    clamped[1] = y + ((-22554 * cb - 46802 * cr + half) >> 16);
    clamped[2] = y + ((116130 * cb + half) >> 16);
    raw.set(clamped, i);
  }
}
