/** A picture of plain data. The same data, the same markup: golden files and the gallery rest on it. */
export interface Chart<Data> {
  readonly name: string;
  /** A complete `<svg>` element that reads on dark and light backgrounds and needs nothing outside it. */
  render(data: Data): string;
  /** All that the picture shows, in full, for keyboards, screen readers and CSV. */
  table(data: Data): Table;
  readonly example: Data;
}

export interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
}
