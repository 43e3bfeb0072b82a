/** One signed number per class: a unit's contribution to each class's score. */
export interface ClassBars {
  readonly classes: readonly string[];
  /** As many as classes; positive speaks for the class. */
  readonly values: readonly number[];
}
