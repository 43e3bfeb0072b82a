import type { Dim, DType, Shape } from "../../../ir/tensor.ts";
import { InvalidNode } from "../../../ops/operator.ts";
import { type JsonRecord, list, number, record } from "../json.ts";

/** The attributes of one node of a GraphDef, read as the types that operators expect. */
export interface Attributes {
  int(name: string, absent?: number): number;
  float(name: string, absent: number): number;
  bool(name: string): boolean;
  text(name: string, absent?: string): string;
  ints(name: string): readonly number[];
  texts(name: string): readonly string[];
  dtype(name: string): DType | undefined;
  /** With names of their own for lengths that are not known; undefined: not even the rank is. */
  shape(name: string, owner: string): Shape | undefined;
}

export function attributes(raw: unknown): Attributes {
  const all = record(raw) ?? {};
  const value = (name: string): JsonRecord => record(all[name]) ?? {};
  const whole = (found: unknown, name: string): number => {
    const result = number(found);
    if (!Number.isSafeInteger(result)) throw new InvalidNode(`${name} must be a whole number`);
    return result!;
  };
  return {
    int: (name, absent = 0) => (value(name).i === undefined ? absent : whole(value(name).i, name)),
    float(name, absent) {
      const found = number(value(name).f ?? value(name).i ?? absent);
      if (found === undefined) throw new InvalidNode(`${name} must be a number`);
      return found;
    },
    bool: (name) => value(name).b === true || value(name).b === "true",
    text: (name, absent = "") => (value(name).s === undefined ? absent : string(value(name).s)),
    ints: (name) => list(record(value(name).list)?.i).map((i) => whole(i, name)),
    texts: (name) => list(record(value(name).list)?.s).map(string),
    dtype: (name) => dtypeOf(value(name).type),
    shape: (name, owner) => shapeOf(value(name).shape, owner),
  };
}

/** Bytes are written in base64 or as a list of codes; some writers leave them as they are. */
export function string(value: unknown): string {
  if (Array.isArray(value)) return String.fromCharCode(...value.map((c) => number(c) ?? 0));
  if (typeof value !== "string") throw new InvalidNode("a string attribute is not a string");
  const decoded = base64(value);
  return decoded !== undefined && /^[\x20-\x7e]*$/.test(decoded) ? decoded : value;
}

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

function base64(text: string): string | undefined {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return undefined;
  let bits = 0;
  let held = 0;
  let result = "";
  for (const digit of text.replace(/=+$/, "")) {
    bits = (bits << 6) | DIGITS.indexOf(digit);
    held += 6;
    if (held >= 8) {
      held -= 8;
      result += String.fromCharCode((bits >> held) & 255);
    }
  }
  return result;
}

/** DataType of TensorFlow, by name or number, as TensorFlow.js holds it. */
const dtypes: ReadonlyMap<unknown, DType> = new Map<unknown, DType>(
  (
    [
      ["DT_FLOAT", 1, "float32"],
      ["DT_DOUBLE", 2, "float32"],
      ["DT_INT32", 3, "int32"],
      ["DT_UINT8", 4, "int32"],
      ["DT_INT16", 5, "int32"],
      ["DT_INT8", 6, "int32"],
      ["DT_INT64", 9, "int32"],
      ["DT_BOOL", 10, "bool"],
      ["DT_HALF", 19, "float32"],
    ] as const
  ).flatMap(([name, code, dtype]) => [
    [name, dtype],
    [code, dtype],
  ]),
);

export const dtypeOf = (value: unknown): DType | undefined => dtypes.get(value);

const MOST_AXES = 16;

/** TensorShapeProto. */
export function shapeOf(value: unknown, owner: string): Shape | undefined {
  const shape = record(value);
  if (shape === undefined || shape.unknownRank === true) return undefined;
  const dims = list(shape.dim);
  if (dims.length > MOST_AXES) return undefined;
  return dims.map((dim, axis): Dim => {
    const size = number(record(dim)?.size);
    if (size !== undefined && Number.isSafeInteger(size) && size >= 0) return size;
    return axis === 0 ? "N" : `${owner.replaceAll("*", "_")}.${axis}`;
  });
}
