import { type Bytes, type Cursor, textOf } from "./bytes.ts";
import { count, type Datatype, dataspaceOf, datatypeOf } from "./types.ts";

/** An attribute; its value is read when asked for. */
export interface Attribute {
  readonly type: Datatype;
  /** undefined: no value at all. */
  readonly shape: readonly number[] | undefined;
  /** The elements as they are stored, where they are not in a heap. */
  readonly raw: Uint8Array;
  /** Texts of a string attribute; undefined for other types. */
  texts(): Promise<readonly string[] | undefined>;
}

const SHARED = 1;

export function attributeOf(file: Bytes, body: Cursor): readonly [string, Attribute] {
  const [version, flags] = [body.u8(), body.u8()];
  if (version < 1 || version > 3) file.unsupported("this version of attributes", body.address);
  const [nameSize, typeSize, spaceSize] = [body.u16(), body.u16(), body.u16()];
  if (version === 3) body.skip(1);
  if (version > 1 && (flags & SHARED) !== 0) file.unsupported("a named datatype", body.address);
  // Version 1 pads each part to 8 bytes.
  const padded = (size: number) => (version === 1 ? Math.ceil(size / 8) * 8 : size);
  const name = body.text(padded(nameSize));
  const type = datatypeOf(body.part(padded(typeSize)));
  const shape = dataspaceOf(file, body.part(padded(spaceSize)));
  const raw = body.take(count(shape) * type.size);
  return [name, { type, shape, raw, texts: () => textsOf(file, body.address, type, shape, raw) }];
}

async function textsOf(
  file: Bytes,
  address: number,
  type: Datatype,
  shape: readonly number[] | undefined,
  raw: Uint8Array,
): Promise<readonly string[] | undefined> {
  const parts = Array.from({ length: count(shape) }, (_, i) =>
    raw.subarray(i * type.size, (i + 1) * type.size),
  );
  if (type.kind === "string") return parts.map(textOf);
  if (type.kind !== "vlen") return undefined;
  const texts: string[] = [];
  for (const part of parts) texts.push(await heapText(file, part, address));
  return texts;
}

/** A variable-length text: its length, the address of a global heap and its number there. */
async function heapText(file: Bytes, reference: Uint8Array, address: number): Promise<string> {
  const view = new DataView(reference.buffer, reference.byteOffset, reference.length);
  if (reference.length !== 16) file.damaged("a reference to a text is not 16 bytes", address);
  const length = view.getUint32(0, true);
  const heap = view.getUint32(8, true) * 2 ** 32 + view.getUint32(4, true);
  const index = view.getUint32(12, true);
  if (length === 0 || heap === 0) return "";
  const head = await file.read(heap, 16);
  head.expect("GCOL");
  head.skip(4);
  const end = heap + head.u64();
  for (let at = heap + 16; at + 16 <= end; ) {
    const object = await file.read(at, 16);
    const number = object.u16();
    object.skip(6);
    const size = object.u64();
    if (number === 0) break;
    if (number === index) {
      if (length > size) file.damaged("a text is longer than its place in the heap", at);
      return textOf((await file.read(at + 16, length)).bytes);
    }
    at += 16 + Math.ceil(size / 8) * 8;
  }
  return file.damaged(`text ${index} is not in the heap`, heap);
}
