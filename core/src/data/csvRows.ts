import { strFromU8 } from "fflate";
import { fail } from "../problem.ts";
import type { Content } from "./content.ts";
import { joined } from "./ranges.ts";

export interface Row {
  /** From 1, the header line included, as spreadsheets count. */
  readonly row: number;
  readonly fields: readonly string[];
}

const quote = 34;
const newline = 10;
const maxRow = 4 * 1024 * 1024;

/** Rows of delimited text (RFC 4180), empty lines left out. Rejects with ProblemError. */
export async function* csvRows(content: Content, delimiter?: string): AsyncGenerator<Row> {
  let row = 0;
  let separator = delimiter;
  for await (const line of lines(content)) {
    row++;
    const text = row === 1 ? line.replace(/^\ufeff/, "") : line;
    if (text === "") continue;
    separator ??= sniff(text);
    yield { row, fields: splitFields(content, text, separator, row) };
  }
}

/** The most frequent of tab, semicolon and comma outside quotes. */
function sniff(line: string): string {
  const bare = line.replace(/"[^"]*"/g, "");
  const counts = ["\t", ";", ","].map((mark) => bare.split(mark).length);
  return ["\t", ";", ","][counts.indexOf(Math.max(...counts))];
}

async function* lines(content: Content): AsyncGenerator<string> {
  let open: Uint8Array[] = [];
  let held = 0;
  let quoted = false;
  let row = 1;
  for await (const piece of content.bytes(0)) {
    let start = 0;
    for (let i = 0; i < piece.length; i++) {
      if (piece[i] === quote) quoted = !quoted;
      if (piece[i] !== newline || quoted) continue;
      open.push(piece.subarray(start, i));
      yield textOf(open);
      open = [];
      held = 0;
      row++;
      start = i + 1;
    }
    open.push(piece.slice(start));
    held += piece.length - start;
    if (held > maxRow) {
      const what = quoted
        ? 'a quoted field is never closed by "'
        : "the row is too long for a table";
      fail(
        "unreadable-data",
        `${what}; repair the row or choose another file`,
        content.file,
        `row ${row}`,
      );
    }
  }
  if (quoted) {
    fail(
      "unreadable-data",
      'a quoted field is never closed by "; repair the row',
      content.file,
      `row ${row}`,
    );
  }
  const rest = textOf(open);
  if (rest !== "") yield rest;
}

function textOf(parts: readonly Uint8Array[]): string {
  const bytes = joined(parts);
  return strFromU8(bytes.at(-1) === 13 ? bytes.subarray(0, -1) : bytes);
}

function splitFields(content: Content, line: string, separator: string, row: number): string[] {
  if (!line.includes('"')) return line.split(separator);
  const fields: string[] = [];
  for (let at = 0; at <= line.length; ) {
    const isQuoted = line[at] === '"';
    const end = isQuoted ? closingQuote(line, at) + 1 : indexOrEnd(line, separator, at);
    const field = line.slice(at, end);
    fields.push(isQuoted ? field.slice(1, -1).replaceAll('""', '"') : field);
    if (end < line.length && line[end] !== separator) {
      const message = `text follows the closing quote of field ${fields.length}; repair the row`;
      fail("unreadable-data", message, content.file, `row ${row}`);
    }
    at = end + 1;
  }
  return fields;
}

function closingQuote(line: string, open: number): number {
  let at = indexOrEnd(line, '"', open + 1);
  while (line[at + 1] === '"') at = indexOrEnd(line, '"', at + 2);
  return at;
}

function indexOrEnd(text: string, mark: string, from: number): number {
  const at = text.indexOf(mark, from);
  return at < 0 ? text.length : at;
}
