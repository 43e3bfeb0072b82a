import { constantOf, type Graph, topological } from "../ir/graph.ts";
import { isFloat } from "../ir/tensor.ts";
import { inMemory } from "./weights.ts";

/** A stored tensor with values that are not numbers. */
export interface WithNaN {
  readonly tensor: string;
  readonly count: number;
}

/** The stored weights, as far as they are in memory, that hold NaN. Infinite numbers occur in masks and bounds. */
export function weightsWithNaN({ outputs }: Graph): readonly WithNaN[] {
  const found: WithNaN[] = [];
  for (const { name, outputs: values } of topological(outputs)) {
    const tensor = constantOf(values[0]);
    if (tensor === undefined || name === "" || !isFloat(tensor.dtype) || !inMemory(tensor))
      continue;
    let count = 0;
    for (const value of tensor.data) if (Number.isNaN(value)) count++;
    if (count > 0) found.push({ tensor: name, count });
  }
  return found;
}
