import type { Limits } from "../../limits.ts";
import { maxExpansion } from "../content.ts";
import { crc32 } from "../crc32.ts";
import { joined } from "../ranges.ts";
import { BadImage, checkSize } from "./pixels.ts";

/** What is needed of a PNG file (ISO/IEC 15948) to decode it. */
export interface PngParts {
  readonly width: number;
  readonly height: number;
  /** Bits of one channel: 1, 2, 4, 8 or 16. */
  readonly depth: number;
  /** Channels as stored; an index into the palette is one. */
  readonly channels: number;
  /** Red, green, blue for each index. */
  readonly palette: Uint8Array | undefined;
  readonly interlaced: boolean;
  /** Pixels, filtered and packed (zlib). */
  readonly packed: Uint8Array;
}

export const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

/** Channels and depths of each colour type. */
const TYPES: Readonly<Record<number, { channels: number; depths: readonly number[] }>> = {
  0: { channels: 1, depths: [1, 2, 4, 8, 16] },
  2: { channels: 3, depths: [8, 16] },
  3: { channels: 1, depths: [1, 2, 4, 8] },
  4: { channels: 2, depths: [8, 16] },
  6: { channels: 4, depths: [8, 16] },
};
const PALETTE = 3;

/** Throws BadImage. Chunks that do not change the pixels (text, colour profiles) are left alone. */
export function readChunks(bytes: Uint8Array, limits: Limits): PngParts {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const packed: Uint8Array[] = [];
  let header: Uint8Array | undefined;
  let palette: Uint8Array | undefined;
  for (let at = SIGNATURE.length; ; ) {
    if (at + 12 > bytes.length) damaged(`it ends at byte ${bytes.length}, before its end chunk`);
    const length = view.getUint32(at);
    const end = at + 12 + length;
    if (end > bytes.length) damaged(`the chunk at byte ${at} goes past the end of the file`);
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    if (
      /^(IHDR|PLTE|IDAT)$/.test(type) &&
      crc32(bytes.subarray(at + 4, end - 4)) !== view.getUint32(end - 4)
    )
      damaged(`the checksum of ${type} at byte ${at} does not match`);
    const content = bytes.subarray(at + 8, end - 4);
    if (type === "IHDR") header ??= content;
    else if (type === "PLTE") palette = content;
    else if (type === "IDAT") packed.push(content);
    else if (type === "IEND") break;
    at = end;
  }
  const pixels = joined(packed);
  return { ...readHeader(header, palette, pixels.length, limits), packed: pixels };
}

function readHeader(
  header: Uint8Array | undefined,
  palette: Uint8Array | undefined,
  packed: number,
  limits: Limits,
): Omit<PngParts, "packed"> {
  if (header?.length !== 13) return damaged("it has no header");
  const view = new DataView(header.buffer, header.byteOffset, header.length);
  const [width, height] = [view.getUint32(0), view.getUint32(4)];
  const [depth, colour, compression, filter, interlace] = header.subarray(8);
  const type = TYPES[colour];
  if (!type?.depths.includes(depth) || compression !== 0 || filter !== 0 || interlace > 1)
    return damaged("its header says what no PNG can be");
  if ((width * height * type.channels * depth) / 8 > packed * maxExpansion)
    damaged(`${packed} packed bytes cannot hold a picture of ${width} × ${height}`);
  checkSize(width, height, limits);
  const indexed = colour === PALETTE;
  if (indexed && (palette === undefined || palette.length % 3 !== 0))
    damaged("its palette is missing");
  return {
    width,
    height,
    depth,
    channels: type.channels,
    palette: indexed ? palette : undefined,
    interlaced: interlace === 1,
  };
}

export function damaged(why: string): never {
  throw new BadImage(`the PNG is damaged: ${why}; copy or download it again`);
}
