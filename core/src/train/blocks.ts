import type { Feed } from "../explain/importance/compute.ts";
import { paddedInput } from "../explain/padding.ts";
import type { Graph, Value } from "../ir/graph.ts";
import { known } from "../ir/tensor.ts";
import type { Program } from "../runtime/runtime.ts";
import { bytesPerSample, needLabels, Rows } from "./rows.ts";
import type { Source } from "./source.ts";

/**
 * The features of some data, block by block: as many samples as the memory holds. Where that is all of
 * them they are computed once and kept; otherwise every pass reads and computes them again.
 */
export class Blocks {
  readonly source: Source;
  readonly kept: boolean;
  readonly #rows: Rows;
  readonly #inputs: readonly Value[];
  readonly #prefix: Program | undefined;
  #read: boolean = false;

  /**
   * @param inputs of the model, bound to a batch
   * @param features what is kept of each sample
   * @param prefix computes them; absent where they are the inputs
   * @param memory bytes
   */
  constructor(
    source: Source,
    { inputs, features }: { inputs: Graph["inputs"]; features: readonly Value[] },
    prefix: Program | undefined,
    memory: number,
  ) {
    this.source = source;
    this.#inputs = inputs;
    this.#prefix = prefix;
    const batch = batchOf(inputs);
    const fits = Math.floor(memory / bytesPerSample(features) / batch) * batch;
    this.kept = source.samples <= fits;
    this.#rows = new Rows(features, this.kept ? source.samples : Math.max(batch, fits));
  }

  /** Batches in one pass over the data. */
  get batches(): number {
    return Math.ceil(this.source.samples / batchOf(this.#inputs));
  }

  /** Yields undefined after each batch that is read, and blocks as they are full: use them at once. */
  async *pass(): AsyncGenerator<Rows | undefined> {
    const rows = this.#rows;
    if (!(this.#read && this.kept)) {
      rows.clear();
      for await (const feed of this.#regrouped()) {
        const labels = needLabels(feed.labels, this.source.name);
        const data = await this.#compute(feed);
        for (let i = 0; i < feed.count; i++) {
          rows.add(data, labels, i);
          if (!rows.full || this.kept) continue;
          yield rows;
          rows.clear();
        }
        yield undefined;
      }
      this.#read = true;
    }
    if (rows.count > 0) yield rows;
  }

  async #compute({ inputs, count }: Feed): Promise<readonly ArrayLike<number>[]> {
    if (this.#prefix === undefined) return inputs;
    const x = this.#inputs.map((v, i) => paddedInput(inputs[i], count, v));
    return (await this.#prefix.run(x)).map((t) => t.data);
  }

  /** Whole batches, though a part of the data was left out. */
  async *#regrouped(): AsyncGenerator<Feed> {
    if (this.#prefix === undefined) return yield* this.source.pass();
    const batch = batchOf(this.#inputs);
    const waiting = new Rows(this.#inputs, batch);
    const all = Uint32Array.from({ length: batch }, (_, i) => i);
    const taken = (): Feed => {
      const { data, labels } = waiting.take(all.subarray(0, waiting.count));
      const count = waiting.count;
      waiting.clear();
      return { from: 0, count, inputs: data, labels };
    };
    for await (const feed of this.source.pass()) {
      const labels = needLabels(feed.labels, this.source.name);
      if (waiting.count === 0 && feed.count === batch) {
        yield feed;
        continue;
      }
      for (let i = 0; i < feed.count; i++) {
        waiting.add(feed.inputs, labels, i);
        if (waiting.full) yield taken();
      }
    }
    if (waiting.count > 0) yield taken();
  }
}

const batchOf = (inputs: Graph["inputs"]): number => known(inputs[0].shape)[0];
