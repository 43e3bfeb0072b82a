/** One axis: a length, or the name of a length known only when the graph runs ("N", the batch). */
export type Dim = number | string;
export type Shape = readonly Dim[];

/** ONNX element types that graphs are made of. float16 and bfloat16 are widened to float32 at the door. */
export type DType =
  | "float32"
  | "float64"
  | "int64"
  | "int32"
  | "int16"
  | "int8"
  | "uint64"
  | "uint32"
  | "uint16"
  | "uint8"
  | "bool"
  | "string";

export interface Type {
  readonly dtype: DType;
  readonly shape: Shape;
}

/** 64-bit integers are held as float64: exact to 2^53, far beyond any index. bool is 0 or 1. */
export type Data =
  | Float32Array
  | Float64Array
  | Int32Array
  | Int16Array
  | Int8Array
  | Uint32Array
  | Uint16Array
  | Uint8Array;

/** A dense tensor in row-major order. */
export interface Tensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** May be read from the model file on first use. */
  readonly data: Data;
}

export const size = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

export const isFloat = (dtype: DType): boolean => dtype === "float32" || dtype === "float64";

export function tensor(dtype: DType, shape: readonly number[], data: Data): Tensor {
  if (data.length !== size(shape))
    throw new Error(`${data.length} values for shape [${shape.join(", ")}]`);
  return { dtype, shape, data };
}

/** The numbers in the array type of their element type. */
export function typed(
  { dtype, shape }: { readonly dtype: DType; readonly shape: readonly number[] },
  data: ArrayLike<number>,
): Tensor {
  const of = ARRAYS[dtype];
  return { dtype, shape, data: data instanceof of ? data : of.from(data) };
}

const ARRAYS: Readonly<Record<DType, { new (): Data; from(values: ArrayLike<number>): Data }>> = {
  float32: Float32Array,
  float64: Float64Array,
  int64: Float64Array,
  uint64: Float64Array,
  int32: Int32Array,
  int16: Int16Array,
  int8: Int8Array,
  uint32: Uint32Array,
  uint16: Uint16Array,
  uint8: Uint8Array,
  bool: Uint8Array,
  string: Float64Array,
};

export const float32 = (shape: readonly number[], data: ArrayLike<number>): Tensor =>
  tensor("float32", shape, data instanceof Float32Array ? data : Float32Array.from(data));

export const int64 = (shape: readonly number[], data: ArrayLike<number>): Tensor =>
  tensor("int64", shape, Float64Array.from(data));

export const scalar = (value: number): Tensor => float32([], [value]);

/** Row-major strides. */
export function strides(shape: readonly number[]): number[] {
  const result = new Array<number>(shape.length);
  let step = 1;
  for (let d = shape.length - 1; d >= 0; d--) {
    result[d] = step;
    step *= shape[d];
  }
  return result;
}

/** The shape as numbers; graphs are bound to a batch size before they are differentiated or run. */
export function known(shape: Shape, what = "shape"): readonly number[] {
  const open = shape.find((d) => typeof d === "string");
  if (open !== undefined) throw new Error(`${what}: dimension ${open} is not bound`);
  return shape as readonly number[];
}

export const sameShape = (a: Shape, b: Shape): boolean =>
  a.length === b.length && a.every((d, i) => d === b[i]);

export const showType = ({ dtype, shape }: Type): string => `${dtype}[${shape.join(", ")}]`;
