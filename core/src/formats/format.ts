import type { ByteSource } from "../data/dataset.ts";
import type { Limits } from "../limits.ts";
import type { Problem } from "../problem.ts";
import type { Edit } from "./edits.ts";
import type { Model } from "./model.ts";

/** A kind of model file: one folder here and one line in table.ts. */
export interface Format {
  readonly name: string;
  /** By the first bytes (up to a few hundred) and the file name. */
  match(head: Uint8Array, name: string): boolean;
  /**
   * Never rejects for what the file contains. Weights are not read: see `loadWeights`.
   * @param limits the usual ones when absent
   */
  read(source: ByteSource, siblings: Siblings, limits?: Limits): Promise<Opened>;
  /** The file with edited tensors; whatever else is in it, understood or not, stays byte for byte. */
  applyEdits(
    source: ByteSource,
    siblings: Siblings,
    edits: readonly Edit[],
    limits?: Limits,
  ): Promise<Edited>;
}

export interface Opened {
  /** Absent when nothing can be made of the file. */
  readonly model: Model | undefined;
  readonly problems: readonly Problem[];
}

/** Files beside the model that it refers to. */
export interface Siblings {
  /**
   * The path is relative to the model's folder, with "/" and without ".."; whoever implements this
   * also refuses links that lead out of the folder. Undefined: there is no such file.
   */
  open(relativePath: string): Promise<ByteSource | undefined>;
}

export const noSiblings: Siblings = { open: async () => undefined };

export interface Edited {
  /** The file to write; absent when the edits do not fit the model. */
  readonly file: EditedFile | undefined;
  /**
   * Files beside it that it refers to (weight shards, external data), to be written before it. Names are
   * new where the content is: the file that is replaced last decides which model there is.
   */
  readonly others?: readonly OtherFile[];
  /** What the edited file will be read as. Its weights can be loaded. */
  readonly model: Model | undefined;
  readonly problems: readonly Problem[];
}

export interface OtherFile {
  /** Relative to the folder of the file, with "/" and without "..". */
  readonly path: string;
  readonly file: EditedFile;
  /** It is the original's own, and need not be written where that already is. */
  readonly unchanged?: true;
}

export interface EditedFile {
  readonly size: number;
  /** The bytes in order, a few MiB at a time; rejects with ProblemError if the original cannot be read. */
  pieces(): AsyncIterable<Uint8Array>;
}
