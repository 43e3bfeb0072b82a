import type { Batch } from "#core/data/dataset.ts";
import { forward } from "#core/data/forward.ts";
import { size } from "#core/ir/tensor.ts";
import { random } from "#core/random.ts";
import type { Samples } from "./samples.ts";

const COUNT = 64;

/** Seeded standard-normal inputs, for comparing models without data. */
export function randomSamples(shape: readonly number[], seed = 1): Samples {
  const each = size(shape);
  const normal = random(seed).normal;
  const x = Float32Array.from({ length: COUNT * each }, normal);
  const dataset = {
    name: "random",
    shape,
    count: COUNT,
    labelled: false,
    async *batches(from: number, to: number, step: number): AsyncIterable<Batch> {
      for (let at = from; at < Math.min(to, COUNT); at += step) {
        const count = Math.min(step, to - at, COUNT - at);
        yield { from: at, count, x: x.subarray(at * each, (at + count) * each) };
      }
    },
  };
  return {
    dataset,
    prepare: (batch) => batch.x,
    forward: (batch) => forward(dataset, batch),
    close: async () => undefined,
  };
}
