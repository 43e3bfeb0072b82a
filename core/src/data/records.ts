import { type Limits, many, refuseOver, USUAL_LIMITS } from "../limits.ts";
import { fail } from "../problem.ts";
import { byteAt, type Content, inEntry } from "./content.ts";
import type { Batch, Dataset } from "./dataset.ts";
import type { Element } from "./elements.ts";
import { Reader } from "./reader.ts";

/** Samples of one size behind a header: what IDX and npy files are. */
export interface Records {
  /** Offset of the first sample in the unpacked content. */
  readonly start: number;
  readonly count: number;
  /** Shape of one sample. */
  readonly shape: readonly number[];
  readonly element: Element;
}

/**
 * Header dimensions (count first) as records. Fails when they are absurd, or announce another number
 * of bytes than the content has, before anything of that size is allocated.
 */
export function records(
  content: Content,
  dims: readonly number[],
  element: Element,
  start: number,
  limits: Limits = USUAL_LIMITS,
): Records {
  const [count, ...shape] = dims;
  const sampleSize = product(shape);
  const announced = `the header announces ${dims.join(" × ")} values`;
  if (shape.includes(0) || count === 0) {
    unreadable(content, start, `${announced}: there is no sample in it; choose another file`);
  }
  const end = start + count * sampleSize * element.size;
  if (end > content.limit || (content.size !== undefined && content.size !== end)) {
    const found = content.size === undefined ? `at most ${content.limit}` : String(content.size);
    unreadable(
      content,
      Math.min(end, content.size ?? start),
      `${announced} (${end} bytes with the header), but there are ${found} bytes; copy or download the file again`,
    );
  }
  if (sampleSize > limits.sampleValues) {
    const has = `one sample has ${many(sampleSize)} values`;
    refuseOver(limits, "sampleValues", has, content.file, byteAt(content, start));
  }
  return { start, count, shape, element };
}

/** The dataset of the records of a content. */
export function recordsDataset(content: Content, name: string, records: Records): Dataset {
  const { count, shape, element } = records;
  return {
    name,
    shape,
    count,
    labelled: false,
    seeks: content.seeks === true,
    bytes: element.name === "u1",
    batches: (from, to, size) => batches(content, records, from, Math.min(to, count), size),
  };
}

async function* batches(
  content: Content,
  { start, count, shape, element }: Records,
  from: number,
  to: number,
  size: number,
): AsyncGenerator<Batch> {
  const sampleSize = product(shape);
  const reader = new Reader(content, start + from * sampleSize * element.size);
  try {
    for (let at = from; at < to; at += size) {
      const samples = Math.min(size, to - at);
      const bytes = await reader.take(samples * sampleSize * element.size);
      const x = new Float32Array(samples * sampleSize);
      element.decode(bytes, x);
      if (element.real) refuseNonFinite(content, x, at, sampleSize);
      yield { from: at, count: samples, x };
    }
    if (to === count && !(await reader.atEnd())) {
      const message = `the data goes on after the ${count} samples its header announces; the header or the file is damaged`;
      unreadable(content, reader.position, message);
    }
  } finally {
    await reader.close();
  }
}

function refuseNonFinite(content: Content, x: Float32Array, first: number, size: number): void {
  // 0·∞ and 0·NaN are NaN: one pass that costs next to nothing.
  let zero = 0;
  for (let i = 0; i < x.length; i++) zero += 0 * x[i];
  if (zero === 0) return;
  const at = x.findIndex((value) => !Number.isFinite(value));
  fail(
    "unreadable-data",
    `the value ${x[at]} is not a finite float32 number; replace it or leave the sample out`,
    content.file,
    inEntry(content, `sample ${first + Math.floor(at / size)}, value ${at % size}`),
  );
}

export function product(dims: readonly number[]): number {
  return dims.reduce((total, dim) => total * dim, 1);
}

function unreadable(content: Content, offset: number, message: string): never {
  fail("unreadable-data", message, content.file, byteAt(content, offset));
}
