import { defined } from "../defined.ts";
import { random } from "../random.ts";
import type { Batch, Dataset } from "./dataset.ts";
import { product } from "./records.ts";

/**
 * `count` samples of a dataset (all of them when it has fewer): the first ones, or, where samples may be
 * sorted by class, one drawn from each of as many equal stretches. The same ones every time.
 */
export function limit(dataset: Dataset, count: number): Dataset {
  if (count >= dataset.count) return dataset;
  if (dataset.grouped !== true)
    return {
      ...dataset,
      count,
      batches: (from, to, size) => dataset.batches(from, Math.min(to, count), size),
    };
  const drawn = drawnFrom(dataset.count, count);
  return {
    ...dataset,
    count,
    batches: (from, to, size) => chosen(dataset, drawn, from, Math.min(to, count), size),
  };
}

const SEED = 1;

/** One index out of each of `count` equal stretches: neither sorted nor repeating classes are missed. */
function drawnFrom(all: number, count: number): Float64Array {
  const { uniform } = random(SEED);
  const start = (k: number) => Math.floor((k * all) / count);
  return Float64Array.from(
    { length: count },
    (_, k) => start(k) + Math.floor(uniform() * (start(k + 1) - start(k))),
  );
}

async function* chosen(
  dataset: Dataset,
  drawn: Float64Array,
  from: number,
  to: number,
  size: number,
): AsyncGenerator<Batch> {
  if (from >= to) return;
  const samples =
    dataset.seeks === true ? each(dataset, drawn, from, to) : passing(dataset, drawn, from, to);
  const length = product(dataset.shape);
  let at = from;
  let own: Batch[] = [];
  for await (const sample of samples) {
    own.push(sample);
    if (own.length < Math.min(size, to - at)) continue;
    yield together(own, at, length);
    at += own.length;
    own = [];
  }
}

/** One by one, where the dataset goes to each of them by itself. */
async function* each(
  dataset: Dataset,
  drawn: Float64Array,
  from: number,
  to: number,
): AsyncGenerator<Batch> {
  for (const index of drawn.subarray(from, to)) yield* dataset.batches(index, index + 1, 1);
}

/** Samples that are read at once, to be passed over. */
const READ = 64;

/** In one pass over all samples. */
async function* passing(
  dataset: Dataset,
  drawn: Float64Array,
  from: number,
  to: number,
): AsyncGenerator<Batch> {
  let next = from;
  for await (const batch of dataset.batches(drawn[from], drawn[to - 1] + 1, READ)) {
    const each = batch.x.length / batch.count;
    for (; next < to && drawn[next] < batch.from + batch.count; next++) {
      const i = drawn[next] - batch.from;
      const x = batch.x.subarray(i * each, (i + 1) * each);
      const labels = batch.labels?.subarray(i, i + 1);
      yield { from: drawn[next], count: 1, x, ...defined({ labels }) };
    }
  }
}

function together(samples: readonly Batch[], from: number, length: number): Batch {
  const x = new Float32Array(samples.length * length);
  samples.forEach((s, i) => {
    x.set(s.x, i * length);
  });
  const labels = samples.flatMap((s) => (s.labels === undefined ? [] : [s.labels[0]]));
  const batch = { from, count: samples.length, x };
  return labels.length === 0 ? batch : { ...batch, labels: Int32Array.from(labels) };
}
