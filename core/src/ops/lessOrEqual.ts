import { binary } from "./broadcast.ts";

export const lessOrEqual = binary({
  type: "LessOrEqual",
  of: (a, b) => (a <= b ? 1 : 0),
  gradient: "none",
  result: "bool",
});
