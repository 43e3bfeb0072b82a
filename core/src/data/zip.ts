import { fail } from "../problem.ts";
import { type Content, maxExpansion } from "./content.ts";
import { crc32 } from "./crc32.ts";
import type { ByteSource } from "./dataset.ts";
import { inflateRaw } from "./inflate.ts";
import { ranges, readRange, skip } from "./ranges.ts";
import { readDirectory, type ZipEntry } from "./zipDirectory.ts";

/**
 * The entries of a zip archive by name, unpacked as they are read (stored or deflated).
 * Rejects with ProblemError for what is no zip, and for entries whose declared sizes cannot be true.
 */
export async function openZip(source: ByteSource): Promise<ReadonlyMap<string, Content>> {
  const contents = new Map<string, Content>();
  for (const entry of await readDirectory(source)) {
    if (entry.name.endsWith("/")) continue;
    contents.set(entry.name, {
      file: source.name,
      entry: entry.name,
      size: entry.size,
      limit: entry.size,
      bytes: (from) => skip(entryBytes(source, entry), from),
    });
  }
  return contents;
}

async function* entryBytes(source: ByteSource, entry: ZipEntry): AsyncGenerator<Uint8Array> {
  const from = await dataStart(source, entry);
  const to = from + entry.packedSize;
  const packed = entry.method === 8;
  let size = 0;
  let crc = 0;
  for await (const piece of packed ? inflateRaw(source, from, to) : ranges(source, from, to)) {
    size += piece.length;
    if (size > entry.size) {
      refuse(source, entry, `it unpacks to more than the ${entry.size} bytes the archive declares`);
    }
    crc = crc32(piece, crc);
    yield piece;
  }
  if (size < entry.size) {
    refuse(source, entry, `it unpacks to ${size} of the ${entry.size} bytes the archive declares`);
  }
  if (crc !== entry.crc) refuse(source, entry, "its checksum does not match");
}

async function dataStart(source: ByteSource, entry: ZipEntry): Promise<number> {
  checkSizes(source, entry);
  const header = await readRange(source, entry.offset, 30);
  const view = new DataView(header.buffer, header.byteOffset, header.length);
  if (view.getUint32(0, true) !== 0x04034b50) {
    refuse(source, entry, "there is no entry where the archive's directory points");
  }
  const start = entry.offset + 30 + view.getUint16(26, true) + view.getUint16(28, true);
  if (start + entry.packedSize > source.size)
    refuse(source, entry, "it goes past the end of the file");
  return start;
}

function checkSizes(source: ByteSource, entry: ZipEntry): void {
  if (entry.encrypted) refuse(source, entry, "it is encrypted; save it without a password");
  if (entry.method !== 0 && entry.method !== 8) {
    refuse(source, entry, `packing method ${entry.method} is unknown; save it stored or deflated`);
  }
  const most = entry.method === 0 ? entry.packedSize : entry.packedSize * maxExpansion;
  if (entry.size > most || (entry.method === 0 && entry.size !== entry.packedSize)) {
    refuse(
      source,
      entry,
      `${entry.packedSize} packed bytes cannot hold the ${entry.size} bytes declared`,
    );
  }
  if (entry.offset + 30 + entry.packedSize > source.size) {
    refuse(source, entry, "it goes past the end of the file");
  }
}

function refuse(source: ByteSource, entry: ZipEntry, message: string): never {
  fail("unreadable-data", message, source.name, `entry ${entry.name}, byte ${entry.offset}`);
}
