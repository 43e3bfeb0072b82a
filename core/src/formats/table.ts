import type { Format } from "./format.ts";
import { keras } from "./keras/keras.ts";
import { onnx } from "./onnx/onnx.ts";
import { safetensors } from "./safetensors/safetensors.ts";
import { tfjs } from "./tfjs/tfjs.ts";

export const formats: readonly Format[] = [safetensors, onnx, keras, tfjs];

/** The format of a file by its first bytes and its name. */
export const formatOf = (head: Uint8Array, name: string): Format | undefined =>
  formats.find((format) => format.match(head, name));
