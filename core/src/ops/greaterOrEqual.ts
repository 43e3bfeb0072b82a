import { binary } from "./broadcast.ts";

export const greaterOrEqual = binary({
  type: "GreaterOrEqual",
  of: (a, b) => (a >= b ? 1 : 0),
  gradient: "none",
  result: "bool",
});
