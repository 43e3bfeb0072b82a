import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import type { ByteSource } from "../../data/dataset.ts";
import { fail, ProblemError } from "../../problem.ts";

/** Where a field lies in the file: its tag at `head`, its content at [start, end). */
export interface Range {
  /** The field number. */
  readonly number: number;
  readonly head: number;
  readonly start: number;
  readonly end: number;
}

export interface Field extends Range {
  readonly wire: WireType;
}

const FIRST = 16 * 1024;
const PROBE = 2 * 1024;
const LARGEST = 256 * 1024;
/** A tag and a length, or a tag and a varint. */
const HEADER = 20;

/** Reads a source by range: ever larger chunks where reading goes on in order, small ones after a jump. */
export class Window {
  readonly source: ByteSource;
  private offset = 0;
  private bytes: Uint8Array = new Uint8Array(0);
  private step = FIRST / 2;

  constructor(source: ByteSource) {
    this.source = source;
  }

  /** What is in memory already, without a turn of the event loop. */
  peek(offset: number, length: number): Uint8Array | undefined {
    const from = offset - this.offset;
    const here = from >= 0 && from + length <= this.bytes.length;
    return here ? this.bytes.subarray(from, from + length) : undefined;
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    const from = offset - this.offset;
    if (from < 0 || from + length > this.bytes.length) {
      const onward = from >= 0 && from <= this.bytes.length;
      this.step = onward ? Math.min(this.step * 2, LARGEST) : PROBE;
      const wanted = Math.min(Math.max(length, this.step), this.source.size - offset);
      this.bytes = await this.source.read(offset, wanted);
      this.offset = offset;
    }
    return this.bytes.subarray(offset - this.offset, offset - this.offset + length);
  }
}

/** The fields of a message that is in memory; `base` is where its bytes stand in the file. */
export function* fieldsOf(bytes: Uint8Array, base: number, file: string): Generator<Field> {
  const reader = new BinaryReader(bytes);
  while (reader.pos < bytes.length) yield fieldAt(reader, base, base + bytes.length, file);
}

/** The fields of a message in the file, of which only the headers are read. */
export async function* fieldsIn(
  window: Window,
  { start, end }: Pick<Range, "start" | "end">,
): AsyncGenerator<Field> {
  for (let at = start; at < end; ) {
    const field = fieldHere(window, at, end) ?? (await fieldIn(window, at, end));
    yield field;
    at = field.end;
  }
}

/** The field at an offset of a message that ends at `end`; undefined: its header is not in memory yet. */
export function fieldHere(window: Window, at: number, end: number): Field | undefined {
  const bytes = window.peek(at, Math.min(HEADER, end - at));
  return bytes && fieldAt(new BinaryReader(bytes), at, end, window.source.name);
}

export async function fieldIn(window: Window, at: number, end: number): Promise<Field> {
  const bytes = await window.read(at, Math.min(HEADER, end - at));
  return fieldAt(new BinaryReader(bytes), at, end, window.source.name);
}

/** The field whose tag is next; `limit` is the end of the enclosing message. */
function fieldAt(reader: BinaryReader, base: number, limit: number, file: string): Field {
  const head = base + reader.pos;
  const place = `byte ${head}`;
  return guarded(file, head, () => {
    const [number, wire] = reader.tag();
    let start = base + reader.pos;
    let length = 0;
    if (wire === WireType.Varint) {
      reader.uint32();
      length = base + reader.pos - start;
    } else if (wire === WireType.Bit32) length = 4;
    else if (wire === WireType.Bit64) length = 8;
    else if (wire === WireType.LengthDelimited) {
      length = reader.uint32();
      const taken = base + reader.pos - start;
      if (taken > 5) fail("unreadable-model", "a length is written in too many bytes", file, place);
      start += taken;
    } else
      fail(
        "unreadable-model",
        "protobuf groups do not occur in ONNX: the file is damaged or not ONNX",
        file,
        place,
      );
    if (length > limit - start)
      fail(
        "unreadable-model",
        `field ${number} says ${length} bytes, ${limit - start} are left: the file is cut off or damaged`,
        file,
        place,
      );
    reader.pos = start + length - base;
    return { number, wire, head, start, end: start + length };
  });
}

/** What a protobuf library throws about the bytes becomes a problem with their place. */
export function guarded<T>(file: string, offset: number, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof ProblemError) throw error;
    const why = error instanceof Error ? error.message : String(error);
    return fail(
      "unreadable-model",
      `not valid protobuf (${why}): the file is damaged or not ONNX`,
      file,
      `byte ${offset}`,
    );
  }
}
