import { strToU8 } from "fflate";
import { crc32 } from "../../data/crc32.ts";
import type { ByteSource } from "../../data/dataset.ts";
import { joined, ranges } from "../../data/ranges.ts";
import type { ZipEntry } from "../../data/zipDirectory.ts";
import { fail } from "../../problem.ts";
import type { EditedFile } from "../format.ts";

const LARGEST = 2 ** 32 - 1;
/** 1 January 1980, which Keras gives its entries too. */
const DATE = 0x21;
const UTF8 = 0x800;

/**
 * The archive with new contents for some entries, which are stored as Keras does; the packed bytes of all
 * others are copied.
 */
export async function rewriteZip(
  source: ByteSource,
  entries: readonly ZipEntry[],
  contents: ReadonlyMap<string, Uint8Array>,
): Promise<EditedFile> {
  type Part = Uint8Array | { readonly from: number; readonly to: number };
  const parts: Part[] = [];
  const directory: Uint8Array[] = [];
  let at = 0;
  const put = (part: Part) => {
    parts.push(part);
    at += part instanceof Uint8Array ? part.length : part.to - part.from;
  };
  for (const entry of entries) {
    const name = strToU8(entry.name);
    const content = contents.get(entry.name);
    const start = at;
    const sizes =
      content === undefined
        ? entry
        : { method: 0, crc: crc32(content), packedSize: content.length, size: content.length };
    const fields = [UTF8, sizes.method, 0, DATE];
    const lengths = [sizes.crc, sizes.packedSize, sizes.size];
    put(packed([0x04034b50], [20, ...fields], lengths, [name.length, 0]));
    put(name);
    put(content ?? (await packedRange(source, entry)));
    directory.push(
      packed([0x02014b50], [20, 20, ...fields], lengths, [name.length, 0, 0, 0, 0], [0, start]),
      name,
    );
  }
  const listing = joined(directory);
  const end = at;
  put(listing);
  put(packed([0x06054b50], [0, 0, entries.length, entries.length], [listing.length, end], [0]));
  if (at > LARGEST)
    fail(
      "cannot-write",
      `the file would have ${at} bytes, more than such an archive holds`,
      source.name,
    );
  return {
    size: at,
    async *pieces() {
      for (const part of parts) {
        if (part instanceof Uint8Array) yield part;
        else yield* ranges(source, part.from, part.to);
      }
    },
  };
}

/** Where the packed bytes of an entry stand. */
async function packedRange(source: ByteSource, entry: ZipEntry) {
  const header = await source.read(entry.offset, 30);
  const from = entry.offset + 30 + header[26] + 256 * header[27] + header[28] + 256 * header[29];
  return { from, to: from + entry.packedSize };
}

/** Little-endian fields: 32 bits, 16 bits, 32 bits and so on in turns. */
function packed(...groups: readonly (readonly number[])[]): Uint8Array {
  const bytes: number[] = [];
  groups.forEach((group, g) => {
    for (const value of group)
      for (let b = 0; b < (g % 2 === 0 ? 4 : 2); b++)
        bytes.push(Math.floor(value / 256 ** b) % 256);
  });
  return Uint8Array.from(bytes);
}
