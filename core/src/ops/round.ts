import { float32 } from "../ir/tensor.ts";
import { scalarFunction } from "./scalarFunction.ts";

/** Halves go to the even neighbour. */
export const round = scalarFunction({
  type: "Round",
  of(x) {
    const low = Math.floor(x);
    const rest = x - low;
    if (rest === 0.5) return low % 2 === 0 ? low : low + 1;
    return rest < 0.5 ? low : low + 1;
  },
  slope: "none",
  examples: [
    { inputs: [[2, 3]], attrs: {} },
    { inputs: [float32([6], [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5])], attrs: {}, note: "halves" },
  ],
});
