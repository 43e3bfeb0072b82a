import { fail } from "../problem.ts";
import type { ByteSource } from "./dataset.ts";

const pieceSize = 256 * 1024;

/** Reads a range; a failure of the file system becomes a problem of the file, with the place. */
export async function readRange(
  source: ByteSource,
  offset: number,
  length: number,
): Promise<Uint8Array> {
  if (length === 0) return new Uint8Array(0);
  try {
    return await source.read(offset, length);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    fail("unreadable-data", `the file cannot be read: ${reason}`, source.name, `byte ${offset}`);
  }
}

/** The bytes [from, to) of a source, at most 256 KiB at a time. */
export async function* ranges(
  source: ByteSource,
  from: number,
  to: number,
): AsyncGenerator<Uint8Array> {
  for (let at = from; at < to; at += pieceSize) {
    yield await readRange(source, at, Math.min(pieceSize, to - at));
  }
}

/** Leaves out the first `count` bytes. */
export async function* skip(
  pieces: AsyncIterable<Uint8Array>,
  count: number,
): AsyncGenerator<Uint8Array> {
  let left = count;
  for await (const piece of pieces) {
    if (left < piece.length) yield left === 0 ? piece : piece.subarray(left);
    left = Math.max(0, left - piece.length);
  }
}

export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
