import { unzlibSync } from "fflate";
import type { Limits } from "../../limits.ts";
import type { Pixels } from "./pixels.ts";
import { damaged, type PngParts, readChunks, SIGNATURE } from "./pngChunks.ts";
import { unfilter } from "./pngFilter.ts";

export const isPng = (bytes: Uint8Array): boolean => SIGNATURE.every((b, i) => bytes[i] === b);

/** One of the pictures that an interlaced file (Adam7) is made of; else the only one. */
interface Pass {
  readonly x: number;
  readonly y: number;
  readonly stepX: number;
  readonly stepY: number;
}

const WHOLE: readonly Pass[] = [{ x: 0, y: 0, stepX: 1, stepY: 1 }];
const ADAM7: readonly Pass[] = [
  { x: 0, y: 0, stepX: 8, stepY: 8 },
  { x: 4, y: 0, stepX: 8, stepY: 8 },
  { x: 0, y: 4, stepX: 4, stepY: 8 },
  { x: 2, y: 0, stepX: 4, stepY: 4 },
  { x: 0, y: 2, stepX: 2, stepY: 4 },
  { x: 1, y: 0, stepX: 2, stepY: 2 },
  { x: 0, y: 1, stepX: 1, stepY: 2 },
];

/** Throws BadImage. */
export function decodePng(bytes: Uint8Array, limits: Limits): Pixels {
  const parts = readChunks(bytes, limits);
  const { width, height, channels, depth } = parts;
  const passes = (parts.interlaced ? ADAM7 : WHOLE).map((pass) => {
    const columns = Math.max(0, Math.ceil((width - pass.x) / pass.stepX));
    const rows = columns === 0 ? 0 : Math.max(0, Math.ceil((height - pass.y) / pass.stepY));
    return { ...pass, columns, rows, line: Math.ceil((columns * channels * depth) / 8) };
  });
  const raw = inflated(
    parts.packed,
    passes.reduce((n, p) => n + p.rows * (p.line + 1), 0),
  );
  const pixels = blank(parts);
  let at = 0;
  for (const pass of passes) {
    const size = pass.rows * (pass.line + 1);
    const lines = unfilter(
      raw.subarray(at, at + size),
      pass.line,
      Math.ceil((channels * depth) / 8),
    );
    for (let row = 0; row < pass.rows; row++)
      put(
        parts,
        pixels,
        lines.subarray(row * pass.line, (row + 1) * pass.line),
        pass,
        row,
        pass.columns,
      );
    at += size;
  }
  return pixels;
}

const blank = ({ width, height, channels, palette }: PngParts): Pixels => {
  const shown = palette !== undefined || channels > 2 ? 3 : 1;
  return { width, height, channels: shown, data: new Uint8Array(width * height * shown) };
};

/** Exactly `size` bytes; what a bomb would unpack to beyond them is not held. */
function inflated(packed: Uint8Array, size: number): Uint8Array {
  const out = new Uint8Array(size);
  let found: Uint8Array;
  try {
    found = unzlibSync(packed, { out });
  } catch (error) {
    return damaged(error instanceof Error ? error.message : String(error));
  }
  if (found.length < size) damaged(`it holds ${found.length} of ${size} bytes of pixels`);
  return out;
}

/** Writes one line of a pass into the picture. */
function put(
  { depth, channels, palette }: PngParts,
  { width, data, channels: shown }: Pixels,
  line: Uint8Array,
  { x, y, stepX, stepY }: Pass,
  row: number,
  columns: number,
): void {
  const most = 2 ** depth - 1;
  // Packed bits run from the highest; of 16 bits the first byte counts.
  const sample =
    depth >= 8
      ? (i: number) => line[i * (depth >> 3)]
      : (i: number) => (line[(i * depth) >> 3] >> (8 - depth - ((i * depth) & 7))) & most;
  const scale = depth < 8 ? 255 / most : 1;
  for (let column = 0; column < columns; column++) {
    const to = ((y + row * stepY) * width + x + column * stepX) * shown;
    if (palette !== undefined) {
      const from = 3 * sample(column);
      // Indices beyond the palette are black, as in libpng.
      for (let c = 0; c < 3; c++) data[to + c] = palette[from + c] ?? 0;
    } else for (let c = 0; c < shown; c++) data[to + c] = sample(column * channels + c) * scale;
  }
}
