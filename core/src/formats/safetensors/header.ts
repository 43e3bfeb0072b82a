import { getTextEncoding } from "@bufbuild/protobuf/wire";
import type { ByteSource } from "../../data/dataset.ts";
import { fail } from "../../problem.ts";
import { type Element, elementOf } from "../onnx/elements.ts";
import { repeatedKey } from "./repeatedKey.ts";

/** One tensor as the header describes it. */
export interface Entry {
  readonly name: string;
  /** As in the file: "F32". */
  readonly dtype: string;
  readonly element: Element;
  readonly shape: readonly number[];
  /** In the file. */
  readonly start: number;
  readonly end: number;
}

export interface Header {
  /** In the order of the header. */
  readonly entries: readonly Entry[];
  readonly metadata: ReadonlyMap<string, string>;
}

/** The longest header that the format allows. */
export const LONGEST_HEADER = 100_000_000;

/** ONNX's codes of the element types: both formats store them alike, little endian. */
const CODES: Readonly<Record<string, number>> = {
  F64: 11,
  F32: 1,
  F16: 10,
  BF16: 16,
  I8: 3,
  I16: 5,
  I32: 6,
  I64: 7,
  U8: 2,
  U16: 4,
  U32: 12,
  U64: 13,
  BOOL: 9,
};

/** Length of the header in 8 bytes, the header in JSON, the tensors. Throws ProblemError. */
export async function readHeader(source: ByteSource): Promise<Header> {
  const wrong = (why: string, place: string): never =>
    fail("unreadable-model", `${why}; download or save it again`, source.name, place);
  if (source.size < 8) wrong("a safetensors file is longer than this one", `byte ${source.size}`);
  const head = await source.read(0, 8);
  const length = Number(new DataView(head.buffer, head.byteOffset, 8).getBigUint64(0, true));
  if (length > LONGEST_HEADER || 8 + length > source.size)
    wrong(
      `its header would have ${length} bytes, but ${source.size - 8} follow (and ${LONGEST_HEADER} are allowed)`,
      "byte 0",
    );
  const text =
    decoded(await source.read(8, length)) ?? wrong("its header is no UTF-8 text", "byte 8");
  const json = parsed(text) ?? wrong("its header is no JSON object", "byte 8");
  const repeated = repeatedKey(text);
  if (repeated !== undefined) wrong("the name is in the header twice", `tensor ${repeated}`);

  const data = 8 + length;
  const entries: Entry[] = [];
  let metadata: ReadonlyMap<string, string> = new Map();
  for (const [name, value] of Object.entries(json))
    if (name === "__metadata__")
      metadata = metadataOf(value) ?? wrong("it holds more than texts", name);
    else entries.push(entryOf(name, value, data, source));
  checkPlaces(entries, data, source);
  return { entries, metadata };
}

function decoded(bytes: Uint8Array): string | undefined {
  try {
    return getTextEncoding().decodeUtf8(bytes, true);
  } catch {
    return undefined;
  }
}

function parsed(text: string): object | undefined {
  try {
    const json: unknown = JSON.parse(text);
    return typeof json === "object" && json !== null && !Array.isArray(json) ? json : undefined;
  } catch {
    return undefined;
  }
}

function metadataOf(value: unknown): ReadonlyMap<string, string> | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const entries = Object.entries(value);
  return entries.every((e): e is [string, string] => typeof e[1] === "string")
    ? new Map(entries)
    : undefined;
}

function entryOf(
  name: string,
  value: unknown,
  data: number,
  { name: file, size }: ByteSource,
): Entry {
  const wrong = (why: string): never => fail("unreadable-model", why, file, `tensor ${name}`);
  const {
    dtype,
    shape,
    data_offsets: offsets,
  } = (value ?? {}) as Readonly<Record<string, unknown>>;
  if (typeof dtype !== "string" || !isLengths(shape) || !isLengths(offsets) || offsets.length !== 2)
    return wrong("expected dtype, shape and data_offsets; download or save it again");
  const element =
    (Object.hasOwn(CODES, dtype) ? elementOf(CODES[dtype]) : undefined) ??
    wrong(
      `element type ${dtype} is not supported; save it as F32, F16 or BF16, which ${Object.keys(CODES).join(", ")} are read with`,
    );
  const [start, end] = offsets.map((o) => data + o);
  const needed = shape.reduce((n, d) => n * d, element.bytes);
  if (end < start || end > size)
    wrong(
      `bytes ${offsets.join(" to ")} are not in the ${size - data} bytes of the file's tensors`,
    );
  if (needed !== end - start)
    wrong(
      `shape [${shape.join(", ")}] of ${dtype} needs ${needed} bytes, there are ${end - start}`,
    );
  return { name, dtype, element, shape, start, end };
}

const isLengths = (value: unknown): value is readonly number[] =>
  Array.isArray(value) && value.every((v) => Number.isSafeInteger(v) && v >= 0);

/** The tensors stand one after another, without gaps, up to the end of the file. */
function checkPlaces(
  entries: readonly Entry[],
  data: number,
  { name: file, size }: ByteSource,
): void {
  let reached = data;
  for (const { name, start, end } of inFile(entries)) {
    const why = start < reached ? "it overlaps the tensor before it" : "there is a gap before it";
    if (start !== reached)
      fail(
        "unreadable-model",
        `${why}; download or save it again`,
        file,
        `tensor ${name}, byte ${start}`,
      );
    reached = end;
  }
  if (reached !== size)
    fail(
      "unreadable-model",
      `${size - reached} bytes after the last tensor belong to none; download or save it again`,
      file,
      `byte ${reached}`,
    );
}

/** In the order of their bytes. */
export const inFile = (entries: readonly Entry[]): readonly Entry[] =>
  [...entries].sort((a, b) => a.start - b.start || a.end - b.end);
