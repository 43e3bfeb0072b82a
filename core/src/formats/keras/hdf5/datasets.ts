import { unzlibSync } from "fflate";
import { many } from "../../../limits.ts";
import { type Bytes, type Cursor, UNDEFINED } from "./bytes.ts";
import { walkTree } from "./groups.ts";
import { type Message, MessageType } from "./messages.ts";
import { count, type Datatype, dataspaceOf, datatypeOf } from "./types.ts";

export interface Dataset {
  readonly type: Datatype;
  readonly shape: readonly number[];
  /** All elements as stored, row-major. */
  read(): Promise<Uint8Array>;
}

const PIECE = 32 * 1024 * 1024;

/** The array that an object header describes; undefined for a group. */
export function datasetOf(file: Bytes, messages: readonly Message[]): Dataset | undefined {
  const find = (type: number) => messages.find((m) => m.type === type);
  const [space, type, layout] = [
    find(MessageType.dataspace),
    find(MessageType.datatype),
    find(MessageType.layout),
  ];
  if (space === undefined || type === undefined || layout === undefined) return undefined;
  if ((type.flags & 2) !== 0) file.unsupported("a named datatype", type.body.address);
  const shape = dataspaceOf(file, space.body) ?? [0];
  const datatype = datatypeOf(type.body);
  const bytes = count(shape) * datatype.size;
  const filters = find(MessageType.filters);
  const place = placeOf(file, layout.body, bytes);
  if (bytes > file.limits.tensorBytes) {
    const has = `an array of shape [${shape.join(", ")}] has ${many(bytes)} bytes`;
    file.over("tensorBytes", has, space.body.address);
  }
  const steps = filters === undefined ? [] : filtersOf(file, filters.body);
  return {
    type: datatype,
    shape,
    read: () =>
      place.kind === "chunks"
        ? chunked(file, place, steps, shape, datatype.size)
        : place.kind === "compact"
          ? Promise.resolve(place.bytes)
          : contiguous(file, place.address, bytes),
  };
}

type Place =
  | { readonly kind: "compact"; readonly bytes: Uint8Array }
  | { readonly kind: "contiguous"; readonly address: number }
  | { readonly kind: "chunks"; readonly tree: number; readonly chunk: readonly number[] };

function placeOf(file: Bytes, body: Cursor, bytes: number): Place {
  const [version, kind] = [body.u8(), body.u8()];
  const short = (found: number) =>
    file.damaged(`an array of ${bytes} bytes has ${found} bytes of data`, body.address);
  if (version !== 3 && !(version === 4 && kind < 2))
    return file.unsupported("this way of storing arrays", body.address);
  if (kind === 0) {
    const length = body.u16();
    if (length < bytes) short(length);
    return { kind: "compact", bytes: body.take(bytes) };
  }
  if (kind === 1) {
    const [address, length] = [body.u64(), body.u64()];
    const inside = address >= UNDEFINED || file.base + address + bytes <= file.source.size;
    if (length < bytes || !inside) short(inside ? length : file.source.size - address);
    return { kind: "contiguous", address };
  }
  if (kind !== 2) return file.unsupported("this way of storing arrays", body.address);
  const rank = body.u8() - 1;
  const tree = body.u64();
  const chunk = Array.from({ length: Math.max(rank, 0) }, () => body.u32());
  if (chunk.some((n) => n === 0))
    file.damaged(`its chunks have shape [${chunk.join(", ")}]`, body.address);
  if (count(chunk) > file.limits.tensorBytes) {
    const has = `its chunks of shape [${chunk.join(", ")}] have ${many(count(chunk))} bytes or more`;
    file.over("tensorBytes", has, body.address);
  }
  return { kind: "chunks", tree, chunk };
}

/** What never was written is 0. */
async function contiguous(file: Bytes, address: number, bytes: number): Promise<Uint8Array> {
  if (address >= UNDEFINED) return new Uint8Array(bytes);
  if (bytes <= PIECE) return (await file.data(address, bytes)).bytes;
  const all = new Uint8Array(bytes);
  for (let at = 0; at < bytes; at += PIECE)
    all.set((await file.data(address + at, Math.min(PIECE, bytes - at))).bytes, at);
  return all;
}

interface Filter {
  readonly id: number;
  readonly values: readonly number[];
}

const DEFLATE = 1;
const SHUFFLE = 2;
const FLETCHER = 3;

function filtersOf(file: Bytes, body: Cursor): readonly Filter[] {
  const [version, number] = [body.u8(), body.u8()];
  if (version === 1) body.skip(6);
  return Array.from({ length: number }, () => {
    const id = body.u16();
    const nameSize = version === 1 || id >= 256 ? body.u16() : 0;
    body.skip(2);
    const values = body.u16();
    body.skip(version === 1 ? Math.ceil(nameSize / 8) * 8 : nameSize);
    const filter = { id, values: Array.from({ length: values }, body.u32) };
    if (version === 1 && values % 2 === 1) body.skip(4);
    if (id < DEFLATE || id > FLETCHER) file.unsupported(`the filter ${id}`, body.address);
    return filter;
  });
}

async function chunked(
  file: Bytes,
  { tree, chunk }: Extract<Place, { kind: "chunks" }>,
  filters: readonly Filter[],
  shape: readonly number[],
  size: number,
): Promise<Uint8Array> {
  const all = new Uint8Array(count(shape) * size);
  if (tree >= UNDEFINED || all.length === 0) return all;
  const rank = shape.length;
  const bytes = count(chunk) * size;
  if (chunk.length !== rank) file.damaged("chunks have another rank than their array", tree);
  await walkTree(file, tree, 1, 8 + 8 * (rank + 1), async (key, address) => {
    const [stored, mask] = [key.u32(), key.u32()];
    const offset = shape.map(() => key.u64());
    const packed = (await file.data(address, stored)).bytes;
    const plain = undo(file, filters, mask, packed, bytes, size, address);
    copyChunk(plain, chunk, all, shape, offset, size);
  });
  return all;
}

function undo(
  file: Bytes,
  filters: readonly Filter[],
  mask: number,
  packed: Uint8Array,
  expected: number,
  size: number,
  address: number,
): Uint8Array {
  let bytes = packed;
  for (let i = filters.length - 1; i >= 0; i--) {
    if (mask & (1 << i)) continue;
    const { id } = filters[i];
    if (id === DEFLATE) bytes = inflated(file, bytes, expected, address);
    else if (id === SHUFFLE) bytes = unshuffled(bytes, size);
    else bytes = bytes.subarray(0, bytes.length - 4);
  }
  if (bytes.length !== expected)
    file.damaged(`a chunk of ${expected} bytes unpacks to ${bytes.length}`, address);
  return bytes;
}

/** Into room for what it must be and a checksum: nothing can unpack to more. */
function inflated(file: Bytes, packed: Uint8Array, expected: number, address: number): Uint8Array {
  try {
    return unzlibSync(packed, { out: new Uint8Array(expected + 4) });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return file.damaged(`a packed chunk cannot be unpacked (${why})`, address);
  }
}

function unshuffled(bytes: Uint8Array, size: number): Uint8Array {
  const elements = Math.floor(bytes.length / size);
  const plain = bytes.slice();
  for (let e = 0; e < elements; e++)
    for (let b = 0; b < size; b++) plain[e * size + b] = bytes[b * elements + e];
  return plain;
}

/** Copies the rows of a chunk that lie inside the array. */
function copyChunk(
  from: Uint8Array,
  chunk: readonly number[],
  to: Uint8Array,
  shape: readonly number[],
  offset: readonly number[],
  size: number,
): void {
  const last = shape.length - 1;
  if (last < 0) {
    to.set(from.subarray(0, size));
    return;
  }
  const row = Math.min(chunk[last], shape[last] - offset[last]);
  const rows = count(chunk.slice(0, last));
  for (let r = 0; r < rows && row > 0; r++) {
    let [rest, target, step, inside] = [r, offset[last], shape[last], true];
    for (let d = last - 1; d >= 0; d--) {
      const at = offset[d] + (rest % chunk[d]);
      rest = Math.floor(rest / chunk[d]);
      if (at >= shape[d]) inside = false;
      target += at * step;
      step *= shape[d];
    }
    const start = r * chunk[last] * size;
    if (inside) to.set(from.subarray(start, start + row * size), target * size);
  }
}
