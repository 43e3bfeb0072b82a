import type { BeforeAfter } from "./cost.ts";

/** What two model files have in common and what not; indices of units count within their own file. */
export interface ModelDiff {
  /** Base names of the files. */
  readonly before: string;
  readonly after: string;
  /** Nothing differs, names of files apart. */
  readonly same: boolean;
  readonly parameters: BeforeAfter;
  /** For one sample; absent where shapes are open. */
  readonly macs?: BeforeAfter;
  /** Of the files and those beside them. */
  readonly bytes: BeforeAfter;
  /** Format, producer, metadata, inputs and outputs. */
  readonly facts: readonly Change[];
  /** In the order of the second file; what only the first has stands where it was. */
  readonly layers: readonly LayerDiff[];
  /** Operators outside of layers that are gone, new or have changed attributes. */
  readonly operators: readonly OperatorDiff[];
  /** Stored tensors outside of layers that differ. */
  readonly tensors: readonly TensorDiff[];
  /** What could not be compared, one line each. */
  readonly notes: readonly string[];
}

/** A fact that differs; "" where a side has none. */
export interface Change {
  readonly what: string;
  readonly before: string;
  readonly after: string;
}

export type LayerDiff =
  | { readonly kind: "removed" | "added"; readonly layer: string; readonly summary: string }
  | MatchedLayer;

export interface MatchedLayer {
  readonly kind: "matched";
  readonly before: string;
  readonly after: string;
  /** By the same name, by the same weights, or by what it is and where it stands. */
  readonly by: "name" | "weights" | "structure";
  readonly summary: { readonly before: string; readonly after: string };
  /** Attributes, activation, what it reads. */
  readonly changes: readonly Change[];
  readonly units: UnitsDiff;
}

/**
 * Units keep their order. A unit is the same where its weights from the inputs that both layers have, its
 * bias and its normalisation are (1e-6 relative).
 */
export interface UnitsDiff {
  readonly count: BeforeAfter;
  /** Of the first file. */
  readonly removed: readonly number[];
  /** Of the second file. */
  readonly added: readonly number[];
  readonly changed: readonly ChangedUnit[];
  /** No telling which is which: removed, added and changed ones are among them. */
  readonly unmatched?: { readonly before: readonly number[]; readonly after: readonly number[] };
  /** For every unit of the second file the unit of the first that it is; -1: none. */
  readonly from: readonly number[];
}

export interface ChangedUnit {
  readonly before: number;
  readonly after: number;
  /** ‖Δw‖ / ‖w‖ over what both units have; 1 where all of w was 0. */
  readonly change: number;
}

export type OperatorDiff =
  | { readonly kind: "removed" | "added"; readonly operator: string; readonly name: string }
  | {
      readonly kind: "changed";
      readonly operator: string;
      readonly name: string;
      readonly changes: readonly Change[];
    };

export type TensorDiff =
  | { readonly kind: "removed" | "added"; readonly tensor: string; readonly type: string }
  | {
      readonly kind: "changed";
      readonly tensor: string;
      readonly type: { readonly before: string; readonly after: string };
      /** ‖Δ‖ / ‖·‖, where the shapes are the same. */
      readonly change?: number;
    };
