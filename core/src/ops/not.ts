import { tensor } from "../ir/tensor.ts";
import { scalarFunction } from "./scalarFunction.ts";

export const not = scalarFunction({
  type: "Not",
  of: (x) => (x === 0 ? 1 : 0),
  slope: "none",
  takes: "bool",
  examples: [{ inputs: [tensor("bool", [2], Uint8Array.of(0, 1))], attrs: {} }],
});
