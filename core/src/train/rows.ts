import type { Value } from "../ir/graph.ts";
import { known, size } from "../ir/tensor.ts";
import { fail } from "../problem.ts";

/** Samples in memory: the values that a head reads, and the targets. */
export class Rows {
  readonly capacity: number;
  readonly #widths: readonly number[];
  readonly #data: readonly Float32Array[];
  readonly #labels: Int32Array;
  #count = 0;

  /** @param values bound to a batch, which leads each of them */
  constructor(values: readonly Value[], capacity: number) {
    this.capacity = capacity;
    this.#widths = values.map(width);
    this.#data = this.#widths.map((w) => new Float32Array(w * capacity));
    this.#labels = new Int32Array(capacity);
  }

  get count(): number {
    return this.#count;
  }

  get full(): boolean {
    return this.#count === this.capacity;
  }

  clear(): void {
    this.#count = 0;
  }

  /** Adds sample `from` of a batch. */
  add(data: readonly ArrayLike<number>[], labels: Int32Array, from: number): void {
    const at = this.#count++;
    this.#widths.forEach((w, i) => {
      const [source, target] = [data[i], this.#data[i]];
      if (ArrayBuffer.isView(source))
        target.set((source as Float32Array).subarray(from * w, (from + 1) * w), at * w);
      else for (let k = 0; k < w; k++) target[at * w + k] = source[from * w + k];
    });
    this.#labels[at] = labels[from];
  }

  /** The samples at some places, one after another. */
  take(places: Uint32Array): {
    readonly data: readonly Float32Array[];
    readonly labels: Int32Array;
  } {
    const data = this.#widths.map((w, i) => {
      const rows = new Float32Array(w * places.length);
      const all = this.#data[i];
      places.forEach((p, k) => {
        rows.set(all.subarray(p * w, (p + 1) * w), k * w);
      });
      return rows;
    });
    return { data, labels: Int32Array.from(places, (p) => this.#labels[p]) };
  }
}

/** Elements of one sample of a value that the batch leads. */
const width = ({ shape }: Value): number => size(known(shape).slice(1));

/** Bytes that one sample of the values takes here. */
export const bytesPerSample = (values: readonly Value[]): number =>
  4 * values.reduce((n, v) => n + width(v), 1);

/** Labels of a batch; training needs them. */
export function needLabels(labels: Int32Array | undefined, data: string): Int32Array {
  if (labels !== undefined) return labels;
  return fail("data-mismatch", "training needs labels; name them, or data that holds them", data);
}
