import { BinaryReader, getTextEncoding, WireType } from "@bufbuild/protobuf/wire";
import { beyond, type Limits, many, refuseOver } from "../../limits.ts";
import { fail } from "../../problem.ts";
import {
  type Field,
  fieldHere,
  fieldIn,
  fieldsOf,
  guarded,
  type Range,
  type Window,
} from "./wire.ts";

/**
 * What a field holds. "chunks": numbers or bytes that may be large; their places are kept, not their
 * content (a packed field is one chunk). Messages are never recursive here, so nesting is bounded.
 */
export type Kind =
  | "int"
  | "float"
  | "string"
  | "ints"
  | "floats"
  | "strings"
  | "chunks"
  | Message<Fields>
  | readonly [Message<Fields>];
export type Fields = { readonly [name: string]: readonly [number: number, kind: Kind] };

export interface Message<F extends Fields> {
  readonly name: string;
  readonly fields: F;
  readonly byNumber: ReadonlyMap<number, readonly [name: string, kind: Kind]>;
  /** What a message is in which nothing is given. */
  readonly blank: Readonly<Record<string, unknown>>;
}

export interface Chunk {
  readonly start: number;
  readonly end: number;
  /** The content where it is small. */
  readonly bytes?: Uint8Array;
}

export type Decoded<M> =
  M extends Message<infer F>
    ? { readonly at: Range } & { readonly [K in keyof F]: Of<F[K][1]> }
    : never;

type Of<K> = K extends "int" | "float"
  ? number
  : K extends "string"
    ? string
    : K extends "ints" | "floats"
      ? readonly number[]
      : K extends "strings"
        ? readonly string[]
        : K extends "chunks"
          ? readonly Chunk[]
          : K extends readonly [infer M]
            ? readonly Decoded<M>[]
            : Decoded<K> | undefined;

export function message<F extends Fields>(name: string, fields: F): Message<F> {
  const byNumber = new Map(
    Object.entries(fields).map(([key, [number, kind]]) => [number, [key, kind] as const]),
  );
  const blank = Object.fromEntries(Object.entries(fields).map(([key, [, k]]) => [key, nothing(k)]));
  return { name, fields, byNumber, blank };
}

function nothing(kind: Kind): unknown {
  if (kind === "int" || kind === "float") return 0;
  if (kind === "string") return "";
  return typeof kind !== "string" && "name" in kind ? undefined : NONE;
}

/** Most lists stay empty: they are all this one. */
const NONE: readonly unknown[] = Object.freeze([]);

/** Messages up to this size are read at once. */
const WHOLE = 16 * 1024;
/** Chunks up to this size are kept with their bytes. */
const KEPT = 4 * 1024;
/** A node with its attributes is about so many. */
const MESSAGES_PER_NODE = 4;

/** One reading of one file. */
export interface Decoding {
  readonly window: Window;
  readonly limits: Limits;
  messages: number;
}

type Draft = Record<string, unknown> & { at: Range };

/** Decodes a message of the file by its schema. Rejects with a ProblemError where the bytes do not fit. */
export async function decode<F extends Fields>(
  decoding: Decoding,
  schema: Message<F>,
  at: Range,
): Promise<Decoded<Message<F>>> {
  return (await decodeIn(decoding, schema, at)) as Decoded<Message<F>>;
}

async function decodeIn(decoding: Decoding, schema: Message<Fields>, at: Range): Promise<Draft> {
  const { window } = decoding;
  const bytes = async ({ start, end }: Range) =>
    window.peek(start, end - start) ?? window.read(start, end - start);
  if (at.end - at.start <= WHOLE) return decodeBytes(decoding, schema, at, await bytes(at));
  const draft = start(decoding, schema, at);
  let next = at.start;
  while (next < at.end) {
    // Most fields are in memory already: waiting for each would take longer than decoding it.
    const field = fieldHere(window, next, at.end) ?? (await fieldIn(window, next, at.end));
    next = field.end;
    const known = schema.byNumber.get(field.number);
    if (known === undefined) continue;
    const [key, kind] = known;
    const sub = messageOf(kind);
    if (sub !== undefined) {
      check(field, WireType.LengthDelimited, schema, key, decoding);
      const length = field.end - field.start;
      const here = length <= WHOLE ? window.peek(field.start, length) : undefined;
      const item =
        here === undefined
          ? await decodeIn(decoding, sub, field)
          : decodeBytes(decoding, sub, field, here);
      put(draft, key, kind, item, field, decoding);
    } else if (kind === "chunks")
      put(draft, key, kind, { start: field.start, end: field.end }, field, decoding);
    else {
      const length = field.end - field.start;
      if (length > decoding.limits.textBytes) {
        const has = `${schema.name}.${key} has ${many(length)} bytes`;
        const { name } = window.source;
        refuseOver(decoding.limits, "textBytes", has, name, `byte ${field.head}`);
      }
      value(draft, schema, key, kind, field, await bytes(field), decoding);
    }
  }
  return draft;
}

function decodeBytes(
  decoding: Decoding,
  schema: Message<Fields>,
  at: Range,
  bytes: Uint8Array,
): Draft {
  const draft = start(decoding, schema, at);
  for (const field of fieldsOf(bytes, at.start, decoding.window.source.name)) {
    const known = schema.byNumber.get(field.number);
    if (known === undefined) continue;
    const [key, kind] = known;
    const content = bytes.subarray(field.start - at.start, field.end - at.start);
    const sub = messageOf(kind);
    if (sub !== undefined) {
      check(field, WireType.LengthDelimited, schema, key, decoding);
      put(draft, key, kind, decodeBytes(decoding, sub, field, content), field, decoding);
    } else if (kind === "chunks") {
      const chunk: Chunk = { start: field.start, end: field.end };
      const kept = content.length <= KEPT ? { ...chunk, bytes: content.slice() } : chunk;
      put(draft, key, kind, kept, field, decoding);
    } else value(draft, schema, key, kind, field, content, decoding);
  }
  return draft;
}

const messageOf = (kind: Kind): Message<Fields> | undefined =>
  typeof kind === "string" ? undefined : "name" in kind ? kind : kind[0];

function start(decoding: Decoding, { blank }: Message<Fields>, at: Range): Draft {
  const most = MESSAGES_PER_NODE * decoding.limits.nodes;
  if (++decoding.messages > most)
    fail(
      "over-limit",
      beyond(`there are more than ${many(most)} protobuf messages`, "nodes", most),
      decoding.window.source.name,
      `byte ${at.head}`,
    );
  const { number, head, start, end } = at;
  return { ...blank, at: { number, head, start, end } };
}

function put(
  draft: Draft,
  key: string,
  kind: Kind,
  item: unknown,
  at: Range,
  decoding: Decoding,
): void {
  const list = draft[key];
  if (list === NONE) draft[key] = [item];
  else if (Array.isArray(list)) list.push(item);
  else {
    // Protobuf would merge the two; no writer of models does that, and edits could not place it.
    if (typeof kind !== "string" && list !== undefined)
      wrong(decoding, at, `${key} is given twice`);
    draft[key] = item;
  }
}

/** A string, a number, or numbers packed or one by one. */
function value(
  draft: Draft,
  schema: Message<Fields>,
  key: string,
  kind: Kind,
  field: Field,
  content: Uint8Array,
  decoding: Decoding,
): void {
  const { name: file } = decoding.window.source;
  const packed = kind === "ints" || kind === "floats";
  if (!packed || field.wire !== WireType.LengthDelimited)
    check(field, WIRE[kind as keyof typeof WIRE], schema, key, decoding);
  guarded(file, field.start, () => {
    if (kind === "string" || kind === "strings")
      return put(draft, key, kind, text(content), field, decoding);
    const reader = new BinaryReader(content);
    const next =
      kind === "float" || kind === "floats" ? () => reader.float() : () => Number(reader.int64());
    while (reader.pos < content.length) put(draft, key, kind, next(), field, decoding);
  });
}

const WIRE = {
  int: WireType.Varint,
  ints: WireType.Varint,
  float: WireType.Bit32,
  floats: WireType.Bit32,
  string: WireType.LengthDelimited,
  strings: WireType.LengthDelimited,
} as const;

/** Strict: invalid UTF-8 throws. */
const text = (content: Uint8Array): string => getTextEncoding().decodeUtf8(content, true);

function check(
  field: Field,
  wire: WireType,
  { name }: Message<Fields>,
  key: string,
  decoding: Decoding,
): void {
  if (field.wire !== wire)
    wrong(decoding, field, `${name}.${key} has wire type ${field.wire}, not ${wire}`);
}

const wrong = (decoding: Decoding, { head }: Pick<Range, "head">, why: string): never =>
  fail(
    "unreadable-model",
    `${why}: the file is damaged or not ONNX`,
    decoding.window.source.name,
    `byte ${head}`,
  );
