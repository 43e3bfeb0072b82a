import { getTextEncoding, WireType } from "@bufbuild/protobuf/wire";

/** Protobuf in the making: its bytes in order, never joined, so that large tensors are not copied. */
export type Pieces = readonly Uint8Array[];

export const byteLength = (pieces: Pieces): number => pieces.reduce((n, p) => n + p.length, 0);

export const utf8 = (text: string): Uint8Array => getTextEncoding().encodeUtf8(text);

/** Tag and length of a length-delimited field. */
export const tagged = (field: number, length: number): Uint8Array =>
  Uint8Array.from([...base128(field * 8 + WireType.LengthDelimited), ...base128(length)]);

/** A length-delimited field: a message, a string or bytes. */
export function delimited(field: number, content: Pieces | Uint8Array | string): Pieces {
  const pieces =
    typeof content === "string"
      ? [utf8(content)]
      : content instanceof Uint8Array
        ? [content]
        : content;
  return [tagged(field, byteLength(pieces)), ...pieces];
}

/** A varint field; negative numbers in two's complement of 64 bits. */
export const varint = (field: number, value: number): Uint8Array =>
  Uint8Array.from([...base128(field * 8 + WireType.Varint), ...base128(value)]);

/** A field of four bytes. */
export const fixed32 = (field: number, bytes: Uint8Array): Uint8Array =>
  Uint8Array.from([...base128(field * 8 + WireType.Bit32), ...bytes]);

// A BinaryWriter for each of the many small fields costs more than everything else in encoding.
function base128(value: number): number[] {
  if (value < 0 || value > Number.MAX_SAFE_INTEGER)
    return base128Wide(BigInt.asUintN(64, BigInt(value)));
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  bytes.push(rest);
  return bytes;
}

function base128Wide(value: bigint): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  bytes.push(Number(rest));
  return bytes;
}

export function concat(pieces: Pieces): Uint8Array {
  const whole = new Uint8Array(byteLength(pieces));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
