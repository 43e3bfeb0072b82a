import type { Bytes, Cursor } from "./bytes.ts";

/** Element types that Keras writes. */
export type Datatype =
  | {
      readonly kind: "integer";
      readonly size: number;
      readonly signed: boolean;
      readonly littleEndian: boolean;
    }
  | { readonly kind: "float"; readonly size: number; readonly littleEndian: boolean }
  /** Strings of one length; "vlen" strings stand in a heap of the file, 16 bytes refer to each. */
  | { readonly kind: "string" | "vlen"; readonly size: number; readonly utf8: boolean }
  | { readonly kind: "bool"; readonly size: 1 }
  | { readonly kind: "other"; readonly size: number; readonly name: string };

const CLASSES = [
  "integer",
  "float",
  "time",
  "string",
  "bit field",
  "opaque",
  "compound",
  "reference",
  "enumeration",
  "variable-length",
  "array",
];

export function datatypeOf(body: Cursor): Datatype {
  const head = body.u8();
  const bits = body.u8() | (body.u8() << 8) | (body.u8() << 16);
  const size = body.u32();
  const littleEndian = (bits & 1) === 0;
  const name = CLASSES[head & 15] ?? `class ${head & 15}`;
  switch (name) {
    case "integer":
      return { kind: "integer", size, signed: (bits & 8) !== 0, littleEndian };
    case "float":
      // The sign is the highest bit and the exponent starts at bit 7 in bfloat16, at 10 in float16.
      return { kind: "float", size, littleEndian };
    case "string":
      return { kind: "string", size, utf8: ((bits >> 4) & 15) === 1 };
    case "enumeration":
      // How h5py keeps booleans: FALSE and TRUE of int8.
      return size === 1 ? { kind: "bool", size } : { kind: "other", size, name };
    case "variable-length":
      return (bits & 15) === 1
        ? { kind: "vlen", size, utf8: ((bits >> 8) & 15) === 1 }
        : { kind: "other", size, name };
    default:
      return { kind: "other", size, name };
  }
}

/** Lengths of the axes; undefined: a dataspace without any element ("null"). */
export function dataspaceOf(file: Bytes, body: Cursor): readonly number[] | undefined {
  const [version, rank] = [body.u8(), body.u8()];
  body.skip(1);
  if (version === 1) body.skip(5);
  else if (version !== 2) file.unsupported("this version of dataspaces", body.address);
  else if (body.u8() === 2) return undefined;
  const shape = Array.from({ length: rank }, () => body.u64());
  if (!Number.isSafeInteger(shape.reduce((a, b) => a * b, 1)))
    file.damaged(`an array has shape [${shape.join(", ")}]`, body.address);
  return shape;
}

export const count = (shape: readonly number[] | undefined): number =>
  shape === undefined ? 0 : shape.reduce((a, b) => a * b, 1);
