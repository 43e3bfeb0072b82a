import { binary } from "./broadcast.ts";

export const greater = binary({
  type: "Greater",
  of: (a, b) => (a > b ? 1 : 0),
  gradient: "none",
  result: "bool",
});
