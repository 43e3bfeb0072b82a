import { fail } from "../problem.ts";
import type { Batch, Dataset } from "./dataset.ts";
import { product } from "./records.ts";

const maxClass = 2 ** 24 - 1;

/**
 * The samples of `data` with the labels of `labels`: class indices (shape [] or [1]) or one-hot rows.
 * Fails when the counts differ; batches fail at a value that is no class.
 */
export function labelled(data: Dataset, labels: Dataset): Dataset {
  if (labels.count !== data.count) {
    fail(
      "unreadable-data",
      `${labels.count} labels for the ${data.count} samples of ${data.name}; choose the labels that belong to it`,
      labels.name,
    );
  }
  return {
    ...data,
    labelled: true,
    seeks: data.seeks === true && labels.seeks === true,
    ...(labels.classes === undefined ? {} : { classes: labels.classes }),
    batches: (from, to, size) => zipped(data, labels, from, to, size),
  };
}

async function* zipped(
  data: Dataset,
  labels: Dataset,
  from: number,
  to: number,
  size: number,
): AsyncGenerator<Batch> {
  const width = product(labels.shape);
  const others = labels.batches(from, to, size)[Symbol.asyncIterator]();
  try {
    for await (const batch of data.batches(from, to, size)) {
      const next = await others.next();
      if (next.done === true) return;
      yield { ...batch, labels: classesOf(labels.name, next.value, width) };
    }
    // Runs the labels to their end too, so that their checksum is seen.
    await others.next();
  } finally {
    await others.return?.();
  }
}

function classesOf(file: string, { from, count, x }: Batch, width: number): Int32Array {
  return Int32Array.from({ length: count }, (_, i) => {
    const label = width === 1 ? x[i] : hotIndex(x.subarray(i * width, (i + 1) * width));
    if (Number.isInteger(label) && label >= 0 && label <= maxClass) return label;
    const found = width === 1 ? String(x[i]) : `a row of ${width} values`;
    return fail(
      "unreadable-data",
      `a label must be a class index from 0 on, or one-hot; found ${found}`,
      file,
      `label ${from + i}`,
    );
  });
}

function hotIndex(row: Float32Array): number {
  const hot = row.indexOf(1);
  return row.every((value, i) => value === (i === hot ? 1 : 0)) ? hot : -1;
}
