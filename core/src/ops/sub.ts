import { binary } from "./broadcast.ts";
import { neg } from "./neg.ts";

export const sub = binary({
  type: "Sub",
  of: (a, b) => a - b,
  gradient: (ct) => [ct, neg({}, ct)],
});
