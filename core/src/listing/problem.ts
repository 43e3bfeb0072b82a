import type { LayerUnits } from "#protocol/views/ranking.ts";

/** What is wrong with the text of a listing. While there is one, the listing cannot be saved. */
export interface ListingProblem {
  /** From 0. */
  readonly line: number;
  /** Columns, in UTF-16 units from 0. */
  readonly from: number;
  readonly to: number;
  readonly message: string;
  readonly code: ListingProblemCode;
  /** The text that this line should have: what a quick fix puts back. */
  readonly restore?: string;
  /** Units whose lines must go too: what a quick fix deletes. */
  readonly remove?: readonly LayerUnits[];
  /** Where it comes from. */
  readonly related?: readonly RelatedPlace[];
}

/** Line and columns from 0. */
export interface RelatedPlace {
  readonly line: number;
  readonly from: number;
  readonly to: number;
  readonly message: string;
}

export type ListingProblemCode =
  /** Not a line of a listing. */
  | "unreadable-line"
  /** A heading that is there already. */
  | "duplicate-line"
  | "duplicate-unit"
  /** A unit above the first layer. */
  | "stray-unit"
  | "unknown-layer"
  | "unknown-unit"
  /** Numbers and headings are a view of the model. */
  | "changed-text"
  /** A heading is gone while its units are still there, or with them. */
  | "missing-heading"
  | "emptied-layer"
  | "output-layer"
  /** Of a file that holds no model, or a part of one. */
  | "fixed-layer"
  /** A unit that goes with others only, or not at all for what it is coupled with. */
  | "coupled-unit";
