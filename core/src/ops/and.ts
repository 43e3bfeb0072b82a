import { tensor } from "../ir/tensor.ts";
import { binary } from "./broadcast.ts";

const yes = tensor("bool", [2], Uint8Array.of(0, 1));
const table = tensor("bool", [2, 1], Uint8Array.of(0, 1));

export const and = binary({
  type: "And",
  of: (a, b) => (a !== 0 && b !== 0 ? 1 : 0),
  gradient: "none",
  takes: "bool",
  result: "bool",
  examples: [{ inputs: [yes, table], attrs: {} }],
});
