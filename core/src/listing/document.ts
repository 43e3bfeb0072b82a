/** A listing as the server wrote it: the text, and what each of its lines is. */
export interface ListingDocument {
  readonly text: string;
  /** One for each line of `text`. */
  readonly lines: readonly ListingLine[];
}

export interface ListingLine {
  readonly kind: "model" | "data" | "input" | "module" | "layer" | "unit" | "comment" | "blank";
  /** Of a layer's or unit's line. */
  readonly layer?: string;
  readonly unit?: number;
  /** Columns of the facts: without indentation and comment. */
  readonly from: number;
  readonly to: number;
}

/** Units of a layer that are taken out. */
export interface Removal {
  readonly layer: string;
  readonly units: readonly number[];
}
