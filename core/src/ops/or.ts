import { tensor } from "../ir/tensor.ts";
import { binary } from "./broadcast.ts";

const row = tensor("bool", [2], Uint8Array.of(0, 1));
const column = tensor("bool", [2, 1], Uint8Array.of(0, 1));

export const or = binary({
  type: "Or",
  of: (a, b) => (a !== 0 || b !== 0 ? 1 : 0),
  gradient: "none",
  takes: "bool",
  result: "bool",
  examples: [{ inputs: [row, column], attrs: {} }],
});
