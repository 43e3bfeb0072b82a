import { binary } from "./broadcast.ts";

export const equal = binary({
  type: "Equal",
  of: (a, b) => (a === b ? 1 : 0),
  gradient: "none",
  result: "bool",
});
