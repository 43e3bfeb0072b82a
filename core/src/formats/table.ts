import type { Format } from "./format.ts";
import { onnx } from "./onnx/onnx.ts";

export const formats: readonly Format[] = [onnx];

/** The format of a file by its first bytes and its name. */
export const formatOf = (head: Uint8Array, name: string): Format | undefined =>
  formats.find((format) => format.match(head, name));
