import { binary } from "./broadcast.ts";

export const add = binary({
  type: "Add",
  of: (a, b) => a + b,
  gradient: (ct) => [ct, ct],
});
