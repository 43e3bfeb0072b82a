import { defined } from "../defined.ts";
import { fail } from "../problem.ts";
import { ClassCollector } from "./classTable.ts";
import { type Content, openContent } from "./content.ts";
import { csvRows, type Row } from "./csvRows.ts";
import type { Batch, ByteSource, Dataset } from "./dataset.ts";
import { isIdx, readIdx } from "./idx.ts";
import { isNpy, readNpy } from "./npy.ts";
import { Reader } from "./reader.ts";
import { recordsDataset } from "./records.ts";

/**
 * Names of the labels file that belongs to a file of samples, most likely first:
 * `t10k-images-idx3-ubyte.gz` has `t10k-labels-idx1-ubyte.gz`, `x_test.npy` has `y_test.npy`.
 */
export function labelNames(name: string): readonly string[] {
  const at = Math.max(name.lastIndexOf("/"), name.lastIndexOf("\\")) + 1;
  const base = name.slice(at);
  const labels = base.replace("images", "labels").replace(/idx\d/, "idx1");
  const renamed = /\.npy$/i.test(labels) ? labels.replace(/(?<![a-z])x(?![a-z])/i, "y") : labels;
  if (renamed === base) return [];
  const other = renamed.endsWith(".gz") ? renamed.slice(0, -3) : `${renamed}.gz`;
  return [renamed, other].map((each) => name.slice(0, at) + each);
}

/** Labels as samples of one value: an IDX or npy file, or text with one label per line. */
export async function openLabels(source: ByteSource): Promise<Dataset> {
  const content = await openContent(source);
  const start = await beginning(content);
  if (isIdx(start)) return recordsDataset(content, source.name, await readIdx(content));
  if (isNpy(start)) return recordsDataset(content, source.name, await readNpy(content));
  return openLines(content);
}

/** The first bytes of a content, at most 8. */
export async function beginning(content: Content): Promise<Uint8Array> {
  const reader = new Reader(content);
  try {
    return await reader.takeUpTo(8);
  } finally {
    await reader.close();
  }
}

async function openLines(content: Content): Promise<Dataset> {
  const collector = new ClassCollector(content.file);
  let header = false;
  let count = 0;
  for await (const { row, fields } of csvRows(content, ",")) {
    if (fields.length > 1) {
      const message = `${fields.length} fields in a file of labels; give one label per line`;
      fail("unreadable-data", message, content.file, `row ${row}`);
    }
    if (row === 1 && /^(labels?|y|class|target)$/i.test(fields[0].trim())) {
      header = true;
      continue;
    }
    collector.add(fields[0], row);
    count++;
  }
  if (count === 0) {
    fail(
      "unreadable-data",
      "there are no labels in the file; choose another",
      content.file,
      "row 1",
    );
  }
  const { classes, indexOf } = collector.finish();
  return {
    name: content.file,
    shape: [],
    count,
    labelled: false,
    ...defined({ classes }),
    async *batches(from, to, size) {
      const rows = csvRows(content, ",");
      for (let i = header ? -1 : 0; i < from; i++) await rows.next();
      yield* lineBatches(rows, indexOf, from, Math.min(to, count), size);
    },
  };
}

async function* lineBatches(
  rows: AsyncGenerator<Row>,
  indexOf: (text: string) => number,
  from: number,
  to: number,
  size: number,
): AsyncGenerator<Batch> {
  try {
    for (let at = from; at < to; at += size) {
      const x = new Float32Array(Math.min(size, to - at));
      for (let i = 0; i < x.length; i++) {
        const next = await rows.next();
        x[i] = next.done === true ? -1 : indexOf(next.value.fields[0]);
      }
      yield { from: at, count: x.length, x };
    }
  } finally {
    await rows.return(undefined);
  }
}
