/** What a resolved action deletes: the lines of some units. */
export interface PruneData {
  readonly uri: string;
  readonly sets: readonly { readonly layer: string; readonly units: readonly number[] }[];
}
