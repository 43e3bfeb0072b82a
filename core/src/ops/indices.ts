import type { Value } from "../ir/graph.ts";
import { check } from "./check.ts";

/** Indices are int64 or int32. */
export function needIndices(value: Value, what: string): void {
  const { dtype } = value;
  check(dtype === "int64" || dtype === "int32", `${what} is ${dtype}, needs int64`);
}

/** An index as a place from 0, where it may count from the end. */
export function placeOf(index: number, length: number, what: string): number {
  const place = index < 0 ? index + length : index;
  if (!(place >= 0 && place < length))
    throw new Error(`${what}: index ${index} is outside length ${length}`);
  return place;
}
