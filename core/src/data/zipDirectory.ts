import { strFromU8 } from "fflate";
import { fail } from "../problem.ts";
import type { ByteSource } from "./dataset.ts";
import { readRange } from "./ranges.ts";

/** One line of a zip archive's central directory (APPNOTE.TXT 4.3.12). */
export interface ZipEntry {
  readonly name: string;
  /** 0 stored, 8 deflated. */
  readonly method: number;
  readonly encrypted: boolean;
  readonly crc: number;
  readonly packedSize: number;
  /** Unpacked, as declared. */
  readonly size: number;
  /** Of the local header in the file. */
  readonly offset: number;
}

const endSize = 22;
const maxComment = 65535;
const maxDirectory = 16 * 1024 * 1024;
const unknown32 = 0xffffffff;

/** The central directory of a zip file, with 64-bit sizes. Rejects with ProblemError. */
export async function readDirectory(source: ByteSource): Promise<readonly ZipEntry[]> {
  const { offset, size, count } = await findDirectory(source);
  if (offset + size > source.size || size > maxDirectory) {
    damaged(source, offset, `a directory of ${size} bytes does not fit into the file`);
  }
  const bytes = await readRange(source, offset, size);
  const entries: ZipEntry[] = [];
  for (let at = 0; entries.length < count; ) {
    const length = entryLength(bytes, at);
    if (length === undefined) {
      damaged(
        source,
        offset + at,
        `its directory ends after ${entries.length} of ${count} entries`,
      );
    }
    entries.push(readEntry(bytes.subarray(at, at + length)));
    at += length;
  }
  return entries;
}

interface Directory {
  readonly offset: number;
  readonly size: number;
  readonly count: number;
}

async function findDirectory(source: ByteSource): Promise<Directory> {
  const tailSize = Math.min(source.size, endSize + maxComment);
  const tailStart = source.size - tailSize;
  const tail = viewOf(await readRange(source, tailStart, tailSize));
  for (let at = tailSize - endSize; at >= 0; at--) {
    if (tail.getUint32(at, true) !== 0x06054b50) continue;
    const directory = {
      count: tail.getUint16(at + 10, true),
      size: tail.getUint32(at + 12, true),
      offset: tail.getUint32(at + 16, true),
    };
    const is64 = directory.offset === unknown32 || directory.size === unknown32;
    return is64 ? await findDirectory64(source, tailStart + at) : directory;
  }
  return damaged(source, source.size, "its directory at the end is missing; it may be cut off");
}

async function findDirectory64(source: ByteSource, end: number): Promise<Directory> {
  const locator = viewOf(await readRange(source, Math.max(0, end - 20), Math.min(end, 20)));
  if (locator.byteLength === 20 && locator.getUint32(0, true) === 0x07064b50) {
    const at = Number(locator.getBigUint64(8, true));
    if (at + 56 <= source.size) {
      const view = viewOf(await readRange(source, at, 56));
      return {
        count: Number(view.getBigUint64(32, true)),
        size: Number(view.getBigUint64(40, true)),
        offset: Number(view.getBigUint64(48, true)),
      };
    }
  }
  return damaged(source, end, "its 64-bit directory cannot be found");
}

function entryLength(bytes: Uint8Array, at: number): number | undefined {
  if (at + 46 > bytes.length) return undefined;
  const view = viewOf(bytes.subarray(at, at + 46));
  if (view.getUint32(0, true) !== 0x02014b50) return undefined;
  const length =
    46 + view.getUint16(28, true) + view.getUint16(30, true) + view.getUint16(32, true);
  return at + length > bytes.length ? undefined : length;
}

function readEntry(bytes: Uint8Array): ZipEntry {
  const view = viewOf(bytes);
  const nameEnd = 46 + view.getUint16(28, true);
  const wide = wideFields(viewOf(bytes.subarray(nameEnd, nameEnd + view.getUint16(30, true))));
  // The 64-bit extra field holds, in this order, only the fields that are unknown here.
  const field = (at: number): number => {
    const value = view.getUint32(at, true);
    return value === unknown32 ? (wide.shift() ?? value) : value;
  };
  const size = field(24);
  const packedSize = field(20);
  return {
    name: strFromU8(bytes.subarray(46, nameEnd)),
    method: view.getUint16(10, true),
    encrypted: (view.getUint16(8, true) & 1) !== 0,
    crc: view.getUint32(16, true),
    size,
    packedSize,
    offset: field(42),
  };
}

function wideFields(extra: DataView): number[] {
  const fields: number[] = [];
  for (let at = 0; at + 4 <= extra.byteLength; ) {
    const end = at + 4 + extra.getUint16(at + 2, true);
    if (extra.getUint16(at, true) === 1) {
      for (let i = at + 4; i + 8 <= Math.min(end, extra.byteLength); i += 8) {
        fields.push(Number(extra.getBigUint64(i, true)));
      }
    }
    at = end;
  }
  return fields;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function damaged(source: ByteSource, offset: number, reason: string): never {
  const message = `not a readable zip archive: ${reason}; copy or download the file again`;
  fail("unreadable-data", message, source.name, `byte ${offset}`);
}
