import type { Criterion, RankedGroup } from "./ranking.ts";

/** Accuracy against the number of removed inputs, hidden units or filters (Kanadera, Figs 8, 9, 13). */
export interface RemovalCurve {
  /** Name of the model file. */
  readonly model: string;
  /** Name of the data. */
  readonly data: string;
  readonly samples: number;
  readonly criterion: Criterion;
  /** `inputs`: elements of the model's input; `units`: groups of coupled units. */
  readonly removes: "inputs" | "units";
  /** Layers whose units are removed, as one ranking; empty for inputs. */
  readonly layers: readonly string[];
  /** Everything that can be removed, ascending by score: point k of the ascending series lacks the first k. */
  readonly ranking: readonly RankedGroup[];
  /** Accuracy of the model as it is. */
  readonly baseline: number;
  readonly series: readonly RemovalSeries[];
}

export type RemovalOrder = "ascending" | "descending" | "random";

export interface RemovalSeries {
  /** Smallest score first, largest first, or at random (mean over seeds). */
  readonly order: RemovalOrder;
  /** The fully connected part was trained again after each removal. */
  readonly retrained: boolean;
  readonly points: readonly RemovalPoint[];
  /** Mean accuracy over the points, by the trapezoidal rule over the share removed: 0 to 1. */
  readonly area: number;
}

export interface RemovalPoint {
  /** Groups (or inputs) removed. */
  readonly removed: number;
  readonly accuracy: number;
  /** Lowest and highest over the seeds of a random series. */
  readonly band?: readonly [low: number, high: number];
}
