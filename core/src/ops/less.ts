import { binary } from "./broadcast.ts";

export const less = binary({
  type: "Less",
  of: (a, b) => (a < b ? 1 : 0),
  gradient: "none",
  result: "bool",
});
