import type { Problem } from "../problem.ts";

/** Bytes that are read by range: a file, or a buffer in tests. */
export interface ByteSource {
  /** For messages. */
  readonly name: string;
  readonly size: number;
  /** Exactly `length` bytes from `offset`; rejects when the source ends before. */
  read(offset: number, length: number): Promise<Uint8Array>;
}

/** Samples with labels, streamed: memory never grows with the number of samples. */
export interface Dataset {
  readonly name: string;
  /** Shape of one sample, e.g. [28, 28]. */
  readonly shape: readonly number[];
  /** Number of samples. */
  readonly count: number;
  /** Whether batches carry labels. */
  readonly labelled: boolean;
  /** Column names, for tables. */
  readonly features?: readonly string[];
  /** Class names, where the file gives them. */
  readonly classes?: readonly string[];
  /** Whether values are stored as bytes, from 0 to 255. */
  readonly bytes?: boolean;
  /** Whether samples are pictures [height, width] or [height, width, channels] that can be resized. */
  readonly pictures?: boolean;
  /** Whether samples may stand class by class, as those of folders and tables do. */
  readonly grouped?: boolean;
  /** Whether `batches` goes to `from` without reading what is before. */
  readonly seeks?: boolean;
  /**
   * Samples [from, to) in order, `size` at a time (the last batch may be smaller).
   * Rejects with ProblemError at the first value that cannot be read.
   */
  batches(from: number, to: number, size: number): AsyncIterable<Batch>;
}

export interface Batch {
  /** Index of the first sample. */
  readonly from: number;
  readonly count: number;
  /** count × product(shape) values, row-major, as stored (no scaling). */
  readonly x: Float32Array;
  /** Class index per sample, when labelled. */
  readonly labels?: Int32Array;
}

export interface OpenedDataset {
  readonly dataset: Dataset | undefined;
  readonly problems: readonly Problem[];
}
