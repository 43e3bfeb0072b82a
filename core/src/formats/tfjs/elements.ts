import type { Data } from "../../ir/tensor.ts";
import { type Element, elementOf } from "../onnx/elements.ts";
import { number, record, text } from "./json.ts";

/** TensorFlow.js's names of element types, and the code of the same in ONNX. */
const codes: ReadonlyMap<string, number> = new Map([
  ["float32", 1],
  ["uint8", 2],
  ["int8", 3],
  ["uint16", 4],
  ["int16", 5],
  ["int32", 6],
  ["bool", 9],
  ["float16", 10],
]);

/**
 * How one weight of the manifest is stored, or why it cannot be read. Quantised weights are whole numbers
 * q of 8 or 16 bits that stand for q·scale + min, or 16-bit floats.
 */
export function elementFor(entry: { readonly [key: string]: unknown }): Element | string {
  const dtype = text(entry.dtype);
  const plain = elementOf(codes.get(dtype) ?? -1);
  if (plain === undefined) return `element type "${dtype}" is not supported`;
  if (entry.quantization === undefined) return plain;
  const quantization = record(entry.quantization) ?? {};
  const stored = text(quantization.dtype);
  if (stored === "float16") {
    if (dtype === "float32") return elementOf(10)!;
    return `quantisation to float16 is for float32, not for ${dtype}`;
  }
  if (stored !== "uint8" && stored !== "uint16")
    return `quantisation to "${stored}" is unknown: float16, uint8 and uint16 are known`;
  if (dtype !== "float32" && dtype !== "int32")
    return `quantisation to ${stored} is for float32 and int32, not for ${dtype}`;
  const [scale, min] = [number(quantization.scale), number(quantization.min)];
  if (scale === undefined || min === undefined || !Number.isFinite(scale + min))
    return `its quantisation to ${stored} lacks scale and min`;
  return affine(elementOf(codes.get(stored)!)!, dtype, scale, min);
}

function affine(stored: Element, dtype: "float32" | "int32", scale: number, min: number): Element {
  const decode = (raw: Uint8Array): Data => {
    const codes = stored.decode(raw);
    const values =
      dtype === "float32" ? new Float32Array(codes.length) : new Int32Array(codes.length);
    for (let i = 0; i < codes.length; i++) {
      const value = codes[i] * scale + min;
      values[i] = dtype === "float32" ? value : Math.round(value);
    }
    return values;
  };
  return { code: stored.code, name: stored.name, bytes: stored.bytes, dtype, decode };
}
