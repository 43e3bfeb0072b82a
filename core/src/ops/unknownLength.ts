import type { Value } from "../ir/graph.ts";
import type { Dim } from "../ir/tensor.ts";

const numbers = new WeakMap<Value, number>();
let next = 0;

/** The name of a length that only the data decide: the same for the same operator on the same values. */
export function unknownLength(type: string, decidedBy: readonly Value[]): Dim {
  const ids = decidedBy.map((value) => {
    const id = numbers.get(value) ?? next++;
    numbers.set(value, id);
    return id;
  });
  return [type, ...ids].join("_");
}
