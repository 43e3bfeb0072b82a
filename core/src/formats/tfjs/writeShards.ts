import { crc32 } from "../../data/crc32.ts";
import type { ByteSource } from "../../data/dataset.ts";
import type { EditedFile, OtherFile, Siblings } from "../format.ts";
import { byteSize, type Stored } from "../onnx/stored.ts";
import type { Manifest } from "./manifest.ts";
import type { Shards } from "./shards.ts";

export interface NewGroup {
  readonly paths: readonly string[];
  /** All of its files: new ones, or unchanged where nothing of the group was edited. */
  readonly files: readonly OtherFile[];
}

/** At most this much is in memory at once. */
const PIECE = 4 * 2 ** 20;

/** One group with its edited weights, in as long files as before. */
export async function editedGroup(
  { groups, weights }: Manifest,
  index: number,
  changed: ReadonlySet<string>,
  change: (stored: Stored) => Stored,
  siblings: Siblings,
): Promise<NewGroup> {
  const { shards, entries } = groups[index];
  if (!entries.some((e) => changed.has(e.name)))
    return { paths: shards.paths, files: unchanged(shards) };
  const parts: Part[] = entries.map(({ name, start, size }) => {
    const weight = weights.get(name);
    if (weight === undefined || !changed.has(name))
      return { size, step: PIECE, read: (from, length) => shards.read(start + from, length) };
    const after = change(weight);
    return {
      size: byteSize(after),
      step: Math.max(1, byteSize(after)),
      read: async (from, length) => (await after.bytes()).subarray(from, from + length),
    };
  });
  const total = parts.reduce((n, p) => n + p.size, 0);
  const each = shards.paths.length > 1 ? Math.max(1, shards.lengths[0]) : Math.max(1, total);
  const count = Math.min(shards.paths.length, Math.max(1, Math.ceil(total / each)));
  let crc = 0;
  for await (const piece of bytesOf(parts, 0, total)) crc = crc32(piece, crc);
  const hash = crc.toString(16).padStart(8, "0");
  const files: OtherFile[] = [];
  for (let i = 0; i < count; i++) {
    const from = i * each;
    const to = i === count - 1 ? total : from + each;
    const file: EditedFile = { size: to - from, pieces: () => bytesOf(parts, from, to) };
    const path = await freePath(nameOf(shards.paths[i], i, count, hash), file, siblings);
    files.push({ path, file });
  }
  return { paths: files.map((f) => f.path), files };
}

/** The shards as they are, for a model that goes into another folder. */
function unchanged(shards: Shards): readonly OtherFile[] {
  let end = 0;
  return shards.lengths.map((size, i): OtherFile => {
    const path = shards.paths[i];
    const from = end;
    end += size;
    const whole = { size, step: PIECE, read: (at: number, n: number) => shards.read(from + at, n) };
    return { path, file: { size, pieces: () => bytesOf([whole], 0, size) }, unchanged: true };
  });
}

interface Part {
  readonly size: number;
  /** How much is read at once: what is cut, is cut as a whole. */
  readonly step: number;
  read(from: number, length: number): Promise<Uint8Array>;
}

/** Bytes [from, to) of the parts one after another. */
async function* bytesOf(
  parts: readonly Part[],
  from: number,
  to: number,
): AsyncGenerator<Uint8Array> {
  let start = 0;
  for (const part of parts) {
    const end = Math.min(part.size, to - start);
    for (let at = Math.max(0, from - start); at < end; at += part.step)
      yield await part.read(at, Math.min(part.step, end - at));
    start += part.size;
  }
}

/** "group1-shard1of2.bin" → "group1-shard1of2-1a2b3c4d.bin"; a hash of before goes. */
function nameOf(path: string, index: number, count: number, hash: string): string {
  const [, stem, extension] = /^(.*?)(?:-[0-9a-f]{8}(?:-\d+)?)?(\.[^./]*)?$/.exec(path)!;
  const numbered = stem.replace(/shard\d+of\d+$/, `shard${index + 1}of${count}`);
  return `${numbered}-${hash}${extension ?? ""}`;
}

/** No file of other content is ever replaced: the model on disk may still need it. */
async function freePath(path: string, file: EditedFile, siblings: Siblings): Promise<string> {
  for (let i = 2, free = path; ; i++) {
    const there = await siblings.open(free);
    if (there === undefined || (await same(there, file))) return free;
    free = path.replace(/(\.[^./]*)?$/, (extension) => `-${i}${extension}`);
  }
}

async function same(there: ByteSource, file: EditedFile): Promise<boolean> {
  if (there.size !== file.size) return false;
  let at = 0;
  for await (const piece of file.pieces()) {
    const other = await there.read(at, piece.length);
    if (piece.some((byte, i) => byte !== other[i])) return false;
    at += piece.length;
  }
  return true;
}
