import { element } from "./element.ts";

export interface TableData {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
}

/** A table that the keyboard can reach and scroll. The first column names its row. */
export function dataTable(
  label: string,
  { columns, rows }: TableData,
  text: (value: string | number, column: number) => string = String,
): HTMLElement {
  const head = element(
    "tr",
    {},
    ...columns.map((column) => element("th", { scope: "col" }, column)),
  );
  const body = rows.map((row) =>
    element(
      "tr",
      {},
      ...row.map((value, i) =>
        i === 0
          ? element("th", { scope: "row" }, text(value, i))
          : element("td", {}, text(value, i)),
      ),
    ),
  );
  const table = element("table", {}, element("thead", {}, head), element("tbody", {}, ...body));
  const region = { class: "table", role: "region", "aria-label": label, tabindex: 0 };
  return element("div", region, table);
}
