import type { Limits } from "../../limits.ts";
import { joined } from "../ranges.ts";
import { BadImage, checkSize } from "./pixels.ts";

/** What a JPEG file (ITU-T T.81) says about its picture, and the bytes that decoding needs. */
export interface JpegParts {
  readonly width: number;
  readonly height: number;
  readonly components: readonly Sampling[];
  /** The three components are red, green and blue themselves. */
  readonly rgb: boolean;
  /** The file without what applications keep in it. */
  readonly bytes: Uint8Array;
}

/** Samples of a component in a block of the picture, across and down. */
export interface Sampling {
  readonly across: number;
  readonly down: number;
}

/** Each scan goes over the whole picture: more of them than any encoder writes only cost time. */
const MOST_SCANS = 200;

/** Throws BadImage. */
export function readSegments(bytes: Uint8Array, limits: Limits): JpegParts {
  const kept: Uint8Array[] = [bytes.subarray(0, 2)];
  let frame: Frame | undefined;
  let adobe: number | undefined;
  let jfif = false;
  let scans = 0;
  for (let at = 2; ; ) {
    const { marker, start } = markerAt(bytes, at);
    if (marker === END) {
      kept.push(bytes.subarray(start - 2, start));
      break;
    }
    const end = start + (start + 2 <= bytes.length ? bytes[start] * 256 + bytes[start + 1] : 0);
    if (end < start + 2 || end > bytes.length) damaged(`the segment at byte ${start} has no end`);
    const content = bytes.subarray(start + 2, end);
    if (marker === ADOBE && text(content, 5) === "Adobe") adobe = content[11];
    if (marker === JFIF && text(content, 4) === "JFIF") jfif = true;
    if (isFrame(marker)) {
      if (frame !== undefined) damaged("it holds two pictures");
      frame = readFrame(marker, content, limits);
    }
    at = end;
    if (marker === SCAN) {
      if (frame === undefined) damaged("its pixels come before their size");
      if (++scans > MOST_SCANS) damaged(`it goes over the picture more than ${MOST_SCANS} times`);
      at = afterScan(bytes, end);
    }
    const isNote = (marker >= 0xe0 && marker <= 0xef) || marker === COMMENT;
    if (!isNote) kept.push(bytes.subarray(start - 2, at));
  }
  if (frame === undefined || scans === 0) return damaged("there is no picture in it");
  return {
    ...frame.size,
    components: frame.components,
    rgb: isRgb(frame, adobe, jfif),
    bytes: joined(kept),
  };
}

const END = 0xd9;
const SCAN = 0xda;
const COMMENT = 0xfe;
const JFIF = 0xe0;
const ADOBE = 0xee;

const isFrame = (m: number): boolean => m >= 0xc0 && m <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(m);

const text = (content: Uint8Array, length: number): string =>
  String.fromCharCode(...content.subarray(0, length));

/** The next marker; any number of fill bytes may stand before it. */
function markerAt(bytes: Uint8Array, from: number): { marker: number; start: number } {
  let at = from;
  if (bytes[at] !== 0xff) damaged(`there is no marker at byte ${at}`);
  while (bytes[at] === 0xff) at++;
  if (at >= bytes.length) damaged("it ends before its end marker");
  return { marker: bytes[at], start: at + 1 };
}

/** Where the packed pixels end: at a marker other than a restart. */
function afterScan(bytes: Uint8Array, from: number): number {
  for (let at = bytes.indexOf(0xff, from); at >= 0; at = bytes.indexOf(0xff, at + 1)) {
    const next = bytes[at + 1];
    if (next !== 0 && next !== 0xff && !(next >= 0xd0 && next <= 0xd7)) return at;
  }
  return damaged("it ends before its end marker");
}

interface Frame {
  readonly size: { readonly width: number; readonly height: number };
  readonly components: readonly Sampling[];
  /** Their names are the letters R, G, B. */
  readonly lettered: boolean;
}

function readFrame(marker: number, content: Uint8Array, limits: Limits): Frame {
  if (marker > 0xc2)
    throw new BadImage(
      "a lossless or arithmetic-coded JPEG is not read; save it as PNG or plain JPEG",
    );
  const [precision, h1, h0, w1, w0, count] = content;
  if (content.length !== 6 + 3 * count) damaged("its header has another length than it says");
  if (precision !== 8)
    throw new BadImage(`a JPEG of ${precision} bits is not read; save it with 8 bits`);
  if (count !== 1 && count !== 3)
    throw new BadImage(
      `a JPEG with ${count} colour components (CMYK has 4) is not read; save it as RGB or grey`,
    );
  const size = { width: w1 * 256 + w0, height: h1 * 256 + h0 };
  checkSize(size.width, size.height, limits);
  const each = Array.from({ length: count }, (_, i) => content.subarray(6 + 3 * i, 9 + 3 * i));
  const components = each.map(([, factors]) => ({ across: factors >> 4, down: factors & 15 }));
  if (components.some(({ across, down }) => across < 1 || across > 4 || down < 1 || down > 4))
    damaged("a sampling factor is not from 1 to 4");
  return { size, components, lettered: String.fromCharCode(...each.map(([id]) => id)) === "RGB" };
}

/** As libjpeg decides: JFIF files are YCbCr; Adobe's say so; else letters tell. */
const isRgb = ({ lettered }: Frame, adobe: number | undefined, jfif: boolean): boolean =>
  jfif ? false : adobe !== undefined ? adobe === 0 : lettered;

export function damaged(why: string): never {
  throw new BadImage(`the JPEG is damaged: ${why}; copy or download it again`);
}
