import type { Format } from "../format.ts";
import { applyEdits } from "./edit.ts";
import { read } from "./read.ts";

/** ONNX, https://onnx.ai: a ModelProto in protobuf, which has no signature of its own. */
export const onnx: Format = {
  name: "ONNX",
  match: (head, name) => name.toLowerCase().endsWith(".onnx") || looksLikeModel(head),
  read,
  applyEdits,
};

/** ir_version first, as every writer puts it, then another field of ModelProto. */
const looksLikeModel = ([tag, irVersion, next]: Uint8Array): boolean =>
  tag === 0x08 &&
  irVersion >= 3 &&
  irVersion < 64 &&
  [0x12, 0x1a, 0x22, 0x28, 0x32, 0x3a, 0x42].includes(next);
