import { defined } from "../../defined.ts";
import { fail } from "../../problem.ts";
import { ClassCollector } from "../classTable.ts";
import type { Content } from "../content.ts";
import { csvRows } from "../csvRows.ts";
import type { Classes } from "./folder.ts";

const NAME = /^(name|file|file ?name|image|path)$/i;
const LABEL = /^(label|class|target|y)$/i;

/**
 * Labels of pictures by their names: a table with a row for each, with the columns `name` and `label`
 * (in any place; two columns without a header are these). Names are paths inside the folder. Rows of
 * pictures that are not there do not matter; pictures without a row do.
 */
export async function namedLabels(content: Content, pictures: readonly string[]): Promise<Classes> {
  const wanted = new Set(pictures);
  const texts = new Map<string, string>();
  const collector = new ClassCollector(content.file);
  let columns: { name: number; label: number } | undefined;
  for await (const { row, fields } of csvRows(content)) {
    if (columns === undefined) {
      const header = headerOf(fields);
      columns = header ?? { name: 0, label: 1 };
      if (header !== undefined) continue;
      if (fields.length !== 2)
        fail(
          "unreadable-data",
          "there are no columns name and label; give the table this header",
          content.file,
          `row ${row}`,
        );
    }
    const [name, label] = [fields[columns.name], fields[columns.label]];
    if (name === undefined || label === undefined)
      fail(
        "unreadable-data",
        "the row has no name and label; repair it",
        content.file,
        `row ${row}`,
      );
    const path = name.trim().replaceAll("\\", "/").replace(/^\.\//, "");
    if (texts.has(path) && texts.get(path) !== label)
      fail("unreadable-data", `${path} has two labels; repair the row`, content.file, `row ${row}`);
    collector.add(label, row);
    if (wanted.has(path)) texts.set(path, label);
  }
  const missing = pictures.find((p) => !texts.has(p));
  if (missing !== undefined)
    fail(
      "unreadable-data",
      `there is no label for ${missing}; add a row with its name`,
      content.file,
    );
  const { classes, indexOf } = collector.finish();
  return {
    ...defined({ names: classes }),
    of: (file) => indexOf(texts.get(file) ?? ""),
  };
}

function headerOf(fields: readonly string[]): { name: number; label: number } | undefined {
  const name = fields.findIndex((f) => NAME.test(f.trim()));
  const label = fields.findIndex((f) => LABEL.test(f.trim()));
  return name < 0 || label < 0 ? undefined : { name, label };
}

/** Whether a content is a table of several columns, and so no list of labels in order. */
export async function isTable(content: Content): Promise<boolean> {
  for await (const { fields } of csvRows(content)) return fields.length > 1;
  return false;
}
