import type { Preprocess } from "./preprocess.ts";

/** Which data, and how it becomes the model's input: as flags, settings and kaibo.json say it. */
export interface DataSpec {
  /** Path of the data file, or of a folder of pictures; may carry "#target=column". */
  readonly data: string;
  /** Path of the labels, when they are not in or beside the data. */
  readonly labels?: string;
  readonly preprocess: Preprocess;
  /** Only the first samples. */
  readonly limit?: number;
}
