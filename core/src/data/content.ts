import type { ByteSource } from "./dataset.ts";
import { gunzip } from "./inflate.ts";
import { ranges, readRange, skip } from "./ranges.ts";

/** The bytes of a file or of one entry of an archive, unpacked as they are read. */
export interface Content {
  /** For messages. */
  readonly file: string;
  /** The entry inside the file, for messages about archives. */
  readonly entry?: string;
  /** Number of unpacked bytes, where it is known without unpacking. */
  readonly size?: number;
  /** No honest content unpacks to more bytes than this. */
  readonly limit: number;
  /** Whether `bytes` goes to `from` without reading what is before. */
  readonly seeks?: boolean;
  /** Bytes from the unpacked offset on, in pieces. Rejects with ProblemError. */
  bytes(from: number): AsyncIterable<Uint8Array>;
}

/** Deflate packs at most 1,032 bytes into one (RFC 1951: a copy of 258 bytes takes two bits). */
export const maxExpansion = 1032;

/** The content of a file; gzip is recognised by its first bytes, whatever the file is called. */
export async function openContent(source: ByteSource): Promise<Content> {
  const start = await readRange(source, 0, Math.min(2, source.size));
  if (start[0] === 0x1f && start[1] === 0x8b) {
    return {
      file: source.name,
      limit: source.size * maxExpansion,
      bytes: (from) => skip(gunzip(source), from),
    };
  }
  return {
    file: source.name,
    size: source.size,
    limit: source.size,
    seeks: true,
    bytes: (from) => ranges(source, from, source.size),
  };
}

/** "byte 12", or "entry x.npy, byte 12" inside an archive. */
export function byteAt(content: Content, offset: number): string {
  return inEntry(content, `byte ${offset}`);
}

/** Puts the archive's entry before a place. */
export function inEntry(content: Content, place: string): string {
  return content.entry === undefined ? place : `entry ${content.entry}, ${place}`;
}
