import type { Batch, Dataset } from "./dataset.ts";

/** Reads a dataset once, from front to back, range by range: later ranges go on where earlier ones ended. */
export interface Forward {
  /** The batches of samples [from, to); `from` is a multiple of the batch size, never before the last `to`. */
  batches(from: number, to: number): AsyncIterable<Batch>;
  close(): Promise<void>;
}

export function forward(dataset: Dataset, batch: number): Forward {
  if (dataset.seeks === true)
    return {
      batches: (from, to) => dataset.batches(from, to, batch),
      close: async () => undefined,
    };
  const iterator = dataset.batches(0, dataset.count, batch)[Symbol.asyncIterator]();
  return {
    async *batches(from, to) {
      for (let reached = from; reached < to; ) {
        const { value, done } = await iterator.next();
        if (done === true) return;
        if (value.from >= from) yield value;
        reached = value.from + value.count;
      }
    },
    close: async () => {
      await iterator.return?.();
    },
  };
}
