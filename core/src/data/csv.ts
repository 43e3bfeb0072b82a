import { fail } from "../problem.ts";
import { ClassCollector, type ClassTable } from "./classTable.ts";
import type { Content } from "./content.ts";
import { csvRows, type Row } from "./csvRows.ts";
import type { Batch, Dataset } from "./dataset.ts";
import { numberIn } from "./number.ts";

interface Table {
  readonly content: Content;
  /** Column names; "1", "2", … for a table without header. */
  readonly columns: readonly string[];
  /** Column of the class, -1 without one. */
  readonly target: number;
  readonly header: boolean;
  readonly count: number;
  readonly labels: ClassTable | undefined;
}

/**
 * A delimited table (comma, semicolon or tab) of numbers, one sample per row. The column named
 * `target` holds the class: a class index or a name. Reads the file once to count and check rows.
 * Rejects with ProblemError.
 */
export async function openCsv(content: Content, target?: string): Promise<Dataset> {
  const table = await survey(content, target);
  const features = table.columns.filter((_, i) => i !== table.target);
  return {
    name: content.file,
    shape: [features.length],
    count: table.count,
    labelled: table.target >= 0,
    grouped: true,
    features,
    ...(table.labels?.classes === undefined ? {} : { classes: table.labels.classes }),
    batches: (from, to, size) => batches(table, from, Math.min(to, table.count), size),
  };
}

async function survey(content: Content, target: string | undefined): Promise<Table> {
  const collector = new ClassCollector(content.file);
  let columns: readonly string[] | undefined;
  let header = false;
  let column = -1;
  let count = 0;
  for await (const row of csvRows(content)) {
    if (columns === undefined) {
      header = row.fields.some((field) => numberIn(field) === undefined);
      columns = row.fields.map((field, i) => (header ? field.trim() : String(i + 1)));
      column = target === undefined ? -1 : targetColumn(content, columns, target);
      if (header) continue;
    }
    checkWidth(content, columns, row);
    if (column >= 0) collector.add(row.fields[column], row.row);
    count++;
  }
  if (columns === undefined || count === 0) {
    fail("unreadable-data", "the table has no rows; choose another file", content.file, "row 1");
  }
  const labels = column < 0 ? undefined : collector.finish();
  return { content, columns, target: column, header, count, labels };
}

function targetColumn(content: Content, columns: readonly string[], target: string): number {
  const column = columns.indexOf(target);
  if (column >= 0 && columns.length > 1) return column;
  const why = column < 0 ? `there is no column ${target}` : "the table has no column besides it";
  const message = `${why}; choose one of: ${columns.slice(0, 20).join(", ")}`;
  return fail("unreadable-data", message, content.file, "row 1");
}

function checkWidth(content: Content, columns: readonly string[], { row, fields }: Row): void {
  if (fields.length === columns.length) return;
  const message = `${fields.length} fields, but the first row has ${columns.length}; repair the row`;
  fail("unreadable-data", message, content.file, `row ${row}`);
}

async function* batches(
  table: Table,
  from: number,
  to: number,
  size: number,
): AsyncGenerator<Batch> {
  const rows = csvRows(table.content);
  try {
    if (table.header) await rows.next();
    for (let i = 0; i < from; i++) await rows.next();
    for (let at = from; at < to; at += size)
      yield await nextBatch(table, rows, at, Math.min(size, to - at));
  } finally {
    await rows.return(undefined);
  }
}

async function nextBatch(
  table: Table,
  rows: AsyncGenerator<Row>,
  from: number,
  count: number,
): Promise<Batch> {
  const { content, columns, target, labels } = table;
  const width = columns.length - (target < 0 ? 0 : 1);
  const x = new Float32Array(count * width);
  const classes = new Int32Array(count);
  for (let i = 0, at = 0; i < count; i++) {
    const next = await rows.next();
    if (next.done === true)
      fail("unreadable-data", "the file became shorter while it was read", content.file);
    checkWidth(content, columns, next.value);
    next.value.fields.forEach((field, column) => {
      if (column === target) classes[i] = labels?.indexOf(field) ?? -1;
      else x[at++] = numberIn(field) ?? notNumber(table, next.value.row, column, field);
    });
  }
  return labels === undefined ? { from, count, x } : { from, count, x, labels: classes };
}

function notNumber({ content, columns }: Table, row: number, column: number, field: string): never {
  const found = field.trim() === "" ? "an empty field" : `"${field.slice(0, 40)}"`;
  fail(
    "unreadable-data",
    `${found} is not a finite number; replace it or leave the column out`,
    content.file,
    `row ${row}, column ${columns[column]}`,
  );
}
