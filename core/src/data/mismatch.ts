import { type Problem, problem } from "../problem.ts";
import type { Dataset } from "./dataset.ts";
import type { Preprocess } from "./preprocess.ts";

/** Samples that are looked at. */
const LOOKED_AT = 16;

/**
 * What is certainly wrong with the range of the values: bytes up to 255 that are not scaled, though mean
 * or std are those of values from 0 to 1. Reads samples only when mean and std are such.
 */
export async function rangeMismatch(
  dataset: Dataset,
  { scale = 1, mean = [0], std = [1] }: Preprocess,
): Promise<Problem | undefined> {
  const forUnits =
    mean.every((v) => v >= 0 && v < 1) &&
    std.every((v) => v > 0 && v <= 1) &&
    (mean.some((v) => v > 0) || std.some((v) => v < 1));
  if (dataset.bytes !== true || dataset.shape.length < 2 || scale !== 1 || !forUnits)
    return undefined;
  let largest = 0;
  for await (const { x } of dataset.batches(0, LOOKED_AT, LOOKED_AT))
    largest = x.reduce((a, b) => Math.max(a, b), largest);
  if (largest <= 1) return undefined;
  const expected = `mean [${mean.join(", ")}] and std [${std.join(", ")}] are for values from 0 to 1`;
  const message = `${expected}, the data holds values up to ${largest}; set "scale" to ${1 / 255} (--scale ${1 / 255})`;
  return {
    ...problem("data-mismatch", message, dataset.name),
    fix: { key: "scale", value: 1 / 255 },
  };
}

/** Keys that only pictures obey: for other data they would silently do nothing. */
export function pictureKeys(dataset: Dataset, preprocess: Preprocess): Problem | undefined {
  if (dataset.pictures === true) return undefined;
  const keys = ["size", "resize", "crop", "channels"] as const;
  const given = keys.filter((key) => preprocess[key] !== undefined);
  if (given.length === 0) return undefined;
  const message = `"${given.join('", "')}" ${given.length === 1 ? "is" : "are"} for folders of pictures; leave ${given.length === 1 ? "it" : "them"} out`;
  return problem("data-mismatch", message, dataset.name);
}

/** More classes than the model has outputs for; one output may be a regression or a sign. */
export function classMismatch(dataset: Dataset, outputs: number): Problem | undefined {
  const { classes, name } = dataset;
  if (classes === undefined || outputs === 1 || classes.length <= outputs) return undefined;
  const shown = classes.slice(0, 12).join(", ");
  const message = `the labels name ${classes.length} classes (${shown}${classes.length > 12 ? ", …" : ""}), but the model has ${outputs} outputs; name other labels or another model`;
  return problem("data-mismatch", message, name);
}
