import type { Tensor } from "../../ir/tensor.ts";
import { type Element, elementOf } from "../onnx/elements.ts";
import { lazyTensor } from "../weights.ts";
import type { Object5 } from "./hdf5/hdf5.ts";

/** ONNX's codes of element types, which decode little-endian elements. */
const CODES: ReadonlyMap<string, number> = new Map([
  ["float2", 10],
  ["float4", 1],
  ["float8", 11],
  ["signed1", 3],
  ["signed2", 5],
  ["signed4", 6],
  ["signed8", 7],
  ["unsigned1", 2],
  ["unsigned2", 4],
  ["unsigned4", 12],
  ["unsigned8", 13],
  ["bool1", 9],
  ["bfloat16", 16],
]);

/** How the elements of an array are decoded; undefined where no tensor has such elements. */
export function elementIn({ dataset, attributes }: Object5): Element | undefined {
  if (dataset === undefined) return undefined;
  const { type } = dataset;
  if ((type.kind === "integer" || type.kind === "float") && !type.littleEndian) return undefined;
  // Keras marks bfloat16, which HDF5 has no name for.
  const marked = attributes.has("dtype") && type.size === 2;
  const kind = type.kind === "integer" ? (type.signed ? "signed" : "unsigned") : type.kind;
  const code = CODES.get(marked ? "bfloat16" : `${kind}${type.size}`);
  return code === undefined ? undefined : elementOf(code);
}

/** An array of the file as a tensor that is read when it is needed. */
export function tensorIn(object: Object5): Tensor | undefined {
  const { dataset } = object;
  const element = elementIn(object);
  if (dataset === undefined || element === undefined) return undefined;
  return lazyTensor({ dtype: element.dtype, shape: dataset.shape }, async () =>
    element.decode(await dataset.read()),
  );
}
