import { Gunzip, Inflate } from "fflate";
import { fail } from "../problem.ts";
import { crc32 } from "./crc32.ts";
import type { ByteSource } from "./dataset.ts";
import { ranges, readRange } from "./ranges.ts";

/**
 * Packed bytes pushed at once: bounds what a piece of a hostile stream can unpack to (16 MiB).
 * The first steps are small, for readers that want only a header.
 */
const firstStep = 1024;
const lastStep = 16 * 1024;

/** Unpacks a gzip file (RFC 1952), checking length and checksum of its last member. */
export async function* gunzip(source: ByteSource): AsyncGenerator<Uint8Array> {
  const gunzip = new Gunzip();
  let members = 1;
  gunzip.onmember = () => {
    members++;
  };
  let crc = 0;
  let size = 0;
  for await (const piece of inflated(gunzip, source, 0, source.size)) {
    crc = crc32(piece, crc);
    size += piece.length;
    yield piece;
  }
  // The trailer of an inner member is not at a known place, so only single members are checked.
  if (members > 1) return;
  const at = Math.max(0, source.size - 8);
  const trailer = await readRange(source, at, Math.min(8, source.size));
  const view = new DataView(trailer.buffer, trailer.byteOffset, trailer.length);
  if (
    view.byteLength < 8 ||
    view.getUint32(0, true) !== crc ||
    view.getUint32(4, true) !== size >>> 0
  ) {
    damaged(source.name, at, `its checksum does not match the ${size} bytes it holds`);
  }
}

/** Unpacks the raw deflate stream in the bytes [from, to) of a source. */
export function inflateRaw(
  source: ByteSource,
  from: number,
  to: number,
): AsyncIterable<Uint8Array> {
  return inflated(new Inflate(), source, from, to);
}

async function* inflated(
  stream: Gunzip | Inflate,
  source: ByteSource,
  from: number,
  to: number,
): AsyncGenerator<Uint8Array> {
  const out: Uint8Array[] = [];
  stream.ondata = (piece) => {
    if (piece.length > 0) out.push(piece);
  };
  let at = from;
  let length = firstStep / 2;
  for await (const packed of ranges(source, from, to)) {
    for (let start = 0; start < packed.length; start += length) {
      length = Math.min(2 * length, lastStep);
      const step = packed.subarray(start, start + length);
      try {
        stream.push(step, at + step.length >= to);
      } catch (error) {
        yield* out;
        damaged(source.name, at, error instanceof Error ? error.message : String(error));
      }
      at += step.length;
      yield* out;
      out.length = 0;
    }
  }
}

function damaged(file: string, at: number, reason: string): never {
  fail(
    "unreadable-data",
    `the packed data is damaged or cut off (${reason}); copy or download the file again`,
    file,
    `packed byte ${at}`,
  );
}
