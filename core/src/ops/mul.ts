import { binary } from "./broadcast.ts";

export const mul = binary({
  type: "Mul",
  of: (a, b) => a * b,
  gradient: (ct, a, b) => [mul({}, ct, b), mul({}, ct, a)],
});
