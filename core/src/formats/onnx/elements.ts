import { OTHER_TYPES } from "../../ir/otherTypes.ts";
import type { Data, DType } from "../../ir/tensor.ts";
import { narrow, toBfloat16, toHalf } from "./narrow.ts";
import { nibbles, type Packing } from "./nibbles.ts";

/** How one TensorProto.DataType is stored in raw_data (little endian) and held in memory. */
export interface Element {
  readonly code: number;
  readonly name: string;
  /** Bytes of one element, once several in a byte are taken apart. */
  readonly bytes: number;
  /** Where several elements share a byte of the file. */
  readonly packing?: Packing;
  /** What it is held as; 16-bit floats are widened. */
  readonly dtype: DType;
  decode(raw: Uint8Array): Data;
  /** The raw_data of floats, rounded to nearest, ties to even; only where a float is stored as a float. */
  encode?(values: Float32Array | Float64Array): Uint8Array;
}

type TypedArray<T> = { new (buffer: ArrayBuffer, offset: number, length: number): T };

/** A view of the bytes where they are aligned, else of a copy. The host is taken to be little-endian, as the file is. */
const view =
  <T>(type: TypedArray<T>, bytes: number) =>
  (raw: Uint8Array): T => {
    const aligned = raw.byteOffset % bytes === 0 ? raw : raw.slice();
    return new type(aligned.buffer as ArrayBuffer, aligned.byteOffset, aligned.length / bytes);
  };

const words = view(Uint32Array, 4);

const wide = (signed: boolean) => (raw: Uint8Array) => {
  const halves = words(raw);
  const values = new Float64Array(halves.length / 2);
  for (let i = 0; i < values.length; i++) {
    const high = signed ? halves[2 * i + 1] | 0 : halves[2 * i + 1];
    values[i] = high * 2 ** 32 + halves[2 * i];
  }
  return values;
};

const shorts = view(Uint16Array, 2);

const table: readonly Element[] = [
  {
    code: 1,
    name: "float",
    bytes: 4,
    dtype: "float32",
    decode: view(Float32Array, 4),
    encode: (values) => rawBytes("float32", values),
  },
  { code: 2, name: "uint8", bytes: 1, dtype: "uint8", decode: view(Uint8Array, 1) },
  { code: 3, name: "int8", bytes: 1, dtype: "int8", decode: view(Int8Array, 1) },
  { code: 4, name: "uint16", bytes: 2, dtype: "uint16", decode: view(Uint16Array, 2) },
  { code: 5, name: "int16", bytes: 2, dtype: "int16", decode: view(Int16Array, 2) },
  { code: 6, name: "int32", bytes: 4, dtype: "int32", decode: view(Int32Array, 4) },
  { code: 7, name: "int64", bytes: 8, dtype: "int64", decode: wide(true) },
  {
    code: 9,
    name: "bool",
    bytes: 1,
    dtype: "bool",
    decode: (raw) => raw.map((b) => (b === 0 ? 0 : 1)),
  },
  {
    code: 10,
    name: "float16",
    bytes: 2,
    dtype: "float32",
    decode: widen(half),
    encode: narrow(toHalf),
  },
  {
    code: 11,
    name: "double",
    bytes: 8,
    dtype: "float64",
    decode: view(Float64Array, 8),
    encode: (values) => rawBytes("float64", values),
  },
  { code: 12, name: "uint32", bytes: 4, dtype: "uint32", decode: words },
  { code: 13, name: "uint64", bytes: 8, dtype: "uint64", decode: wide(false) },
  {
    code: 16,
    name: "bfloat16",
    bytes: 2,
    dtype: "float32",
    decode: widen((bits) => bits << 16),
    encode: narrow(toBfloat16),
  },
  {
    code: 21,
    name: "uint4",
    bytes: 1,
    packing: nibbles(false),
    dtype: "uint8",
    decode: view(Uint8Array, 1),
  },
  {
    code: 22,
    name: "int4",
    bytes: 1,
    packing: nibbles(true),
    dtype: "int8",
    decode: view(Int8Array, 1),
  },
];

const byCode = new Map(table.map((e) => [e.code, e]));

/** For people: "float8e5m2", or the number of an element type that is not known. */
export const elementName = (code: number): string =>
  byCode.get(code)?.name ?? OTHER_TYPES[code] ?? String(code);

export const elementOf = (code: number): Element | undefined => byCode.get(code);

/** The element type that stores a dtype without loss. */
export const codeOf = (dtype: DType): number =>
  dtype === "string" ? 8 : table.find((e) => e.dtype === dtype)!.code;

/** The float32 bits of each 16-bit float. */
function widen(bits: (short: number) => number): (raw: Uint8Array) => Float32Array {
  return (raw) => {
    const narrow = shorts(raw);
    const wide = new Int32Array(narrow.length);
    for (let i = 0; i < wide.length; i++) wide[i] = bits(narrow[i]);
    return new Float32Array(wide.buffer);
  };
}

/** IEEE 754 binary16 to binary32: the exponent's bias is 112 more; the smallest numbers become normal. */
function half(short: number): number {
  const sign = (short & 0x8000) << 16;
  const exponent = (short >> 10) & 0x1f;
  const fraction = short & 0x3ff;
  if (exponent === 31) return sign | 0x7f800000 | (fraction << 13);
  if (exponent > 0) return sign | ((exponent + 112) << 23) | (fraction << 13);
  if (fraction === 0) return sign;
  const shift = Math.clz32(fraction) - 21;
  return sign | ((113 - shift) << 23) | (((fraction << shift) & 0x3ff) << 13);
}

/** The raw_data of values held in memory. */
export function rawBytes(dtype: DType, data: Data): Uint8Array {
  const stored = storedAs(dtype, data);
  return new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength);
}

function storedAs(dtype: DType, data: Data) {
  const as = <T extends Data>(type: {
    new (length: number): T;
    from(v: ArrayLike<number>): T;
  }): T => (data instanceof type ? data : type.from(data));
  switch (dtype) {
    case "float32":
      return as(Float32Array);
    case "float64":
      return as(Float64Array);
    case "int64":
      return BigInt64Array.from(data as Float64Array, toBigInt);
    case "uint64":
      return BigUint64Array.from(data as Float64Array, toBigInt);
    case "int32":
      return as(Int32Array);
    case "int16":
      return as(Int16Array);
    case "int8":
      return as(Int8Array);
    case "uint32":
      return as(Uint32Array);
    case "uint16":
      return as(Uint16Array);
    case "uint8":
    case "bool":
      return as(Uint8Array);
    case "string":
      throw new Error("string tensors are not written");
  }
}

/** Float64 holds INT64_MAX as 2^63, which would wrap round. */
const toBigInt = (x: number | bigint): bigint => {
  const value = BigInt(x);
  return value === 2n ** 63n ? value - 1n : value;
};
