import type { Format } from "../format.ts";
import { applyEdits } from "./edit.ts";
import { LONGEST_HEADER } from "./header.ts";
import { read } from "./read.ts";

/** safetensors, https://huggingface.co/docs/safetensors: tensors by name, without a graph. */
export const safetensors: Format = {
  name: "safetensors",
  match: (head, name) => name.toLowerCase().endsWith(".safetensors") || looksLikeHeader(head),
  read: (source) => read(source),
  applyEdits: (source, _siblings, edits) => applyEdits(source, edits),
};

/** A length that a header can have, and the header's brace. */
function looksLikeHeader(head: Uint8Array): boolean {
  if (head.length < 9) return false;
  const length = new DataView(head.buffer, head.byteOffset, 8).getBigUint64(0, true);
  return length <= BigInt(LONGEST_HEADER) && head[8] === 0x7b;
}
