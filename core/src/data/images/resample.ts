import type { Pixels } from "./pixels.ts";

export type Resize = "bilinear" | "nearest";

/**
 * Another size, with the numbers of Pillow's `Image.resize`, which torchvision's Resize is for images.
 * Bilinear takes all pixels under a triangle as wide as the reduction (antialiasing); nearest takes one.
 */
export function resample(image: Pixels, width: number, height: number, how: Resize): Pixels {
  if (how === "nearest") return nearest(image, width, height);
  const wide = width === image.width ? image : across(image, width);
  return height === image.height ? wide : down(wide, height);
}

function nearest(image: Pixels, width: number, height: number): Pixels {
  const { channels } = image;
  const columns = centres(image.width, width);
  const rows = centres(image.height, height);
  const data = new Uint8Array(width * height * channels);
  let to = 0;
  for (const y of rows)
    for (const x of columns) {
      const from = (y * image.width + x) * channels;
      for (let c = 0; c < channels; c++) data[to++] = image.data[from + c];
    }
  return { width, height, channels, data };
}

/** Added up step by step, as Pillow does: the same rounding where a centre falls between two. */
function centres(from: number, to: number): number[] {
  const step = from / to;
  const found: number[] = [];
  for (let i = 0, at = step * 0.5; i < to; i++, at += step)
    found.push(Math.min(Math.floor(at), from - 1));
  return found;
}

/** Which old samples a new one is made of, with weights that sum to 2^PRECISION. */
interface Taps {
  readonly first: number;
  readonly weights: readonly number[];
}

const PRECISION = 22;

function triangle(from: number, to: number): Taps[] {
  const scale = from / to;
  const support = Math.max(scale, 1);
  return Array.from({ length: to }, (_, i): Taps => {
    const centre = (i + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - support + 0.5));
    const end = Math.min(from, Math.trunc(centre + support + 0.5));
    const raw = Array.from({ length: end - first }, (_, k) =>
      Math.max(0, 1 - Math.abs((k + first - centre + 0.5) / support)),
    );
    const sum = raw.reduce((a, b) => a + b, 0);
    return { first, weights: raw.map((w) => Math.trunc(0.5 + (w / sum) * 2 ** PRECISION)) };
  });
}

function across({ width, height, channels, data }: Pixels, to: number): Pixels {
  const taps = triangle(width, to);
  const out = new Uint8ClampedArray(to * height * channels);
  for (let y = 0, at = 0; y < height; y++)
    for (const { first, weights } of taps)
      for (let c = 0; c < channels; c++) {
        const from = (y * width + first) * channels + c;
        out[at++] = weighted(data, from, channels, weights);
      }
  return { width: to, height, channels, data: new Uint8Array(out.buffer) };
}

function down({ width, height, channels, data }: Pixels, to: number): Pixels {
  const line = width * channels;
  const out = new Uint8ClampedArray(to * line);
  triangle(height, to).forEach(({ first, weights }, y) => {
    for (let x = 0; x < line; x++)
      out[y * line + x] = weighted(data, first * line + x, line, weights);
  });
  return { width, height: to, channels, data: new Uint8Array(out.buffer) };
}

function weighted(
  data: Uint8Array,
  from: number,
  step: number,
  weights: readonly number[],
): number {
  let sum = 1 << (PRECISION - 1);
  for (let k = 0; k < weights.length; k++) sum += data[from + k * step] * weights[k];
  return sum >> PRECISION;
}
