import assert from "node:assert/strict";
import { unzipSync } from "fflate";
import type { Tensor } from "#core/ir/tensor.ts";

/** Every array of a .npz archive by its name: little-endian floats or int64, as NumPy writes them. */
export function arraysOf(archive: Uint8Array): ReadonlyMap<string, Tensor> {
  return new Map(
    Object.entries(unzipSync(archive)).map(([name, bytes]) => [
      name.replace(/\.npy$/, ""),
      arrayOf(bytes),
    ]),
  );
}

/** A .npy file of format version 1. */
export function arrayOf(bytes: Uint8Array): Tensor {
  const start = 10 + bytes[8]! + 256 * bytes[9]!;
  const header = new TextDecoder().decode(bytes.subarray(10, start));
  const shape = /'shape': \(([^)]*)\)/
    .exec(header)![1]!
    .split(",")
    .filter((d) => d.trim() !== "")
    .map(Number);
  const data = bytes.slice(start).buffer;
  if (header.includes("'<f8'")) return { dtype: "float64", shape, data: new Float64Array(data) };
  if (header.includes("'<i8'"))
    return { dtype: "int64", shape, data: Float64Array.from(new BigInt64Array(data), Number) };
  assert.match(header, /'<f4'/);
  return { dtype: "float32", shape, data: new Float32Array(data) };
}
