import type { Dataset } from "./dataset.ts";

/** The first `count` samples of a dataset (all of them when it has fewer). */
export function limit(dataset: Dataset, count: number): Dataset {
  if (count >= dataset.count) return dataset;
  return {
    ...dataset,
    count,
    batches: (from, to, size) => dataset.batches(from, Math.min(to, count), size),
  };
}
