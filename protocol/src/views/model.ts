import type { LayerUnits } from "./ranking.ts";

/** A model file's structure as plain data: what the listing and `kaibo inspect` show. */
export interface ModelView {
  /** File name. */
  readonly name: string;
  /** "onnx, opset 17". */
  readonly format: string;
  readonly parameters: number;
  /** Multiply–accumulates for one sample; absent when shapes are open. */
  readonly macs?: number;
  readonly inputs: readonly ValueView[];
  readonly outputs: readonly ValueView[];
  readonly layers: readonly LayerView[];
  /** Which units can only go together; absent where every unit can go alone or none can. */
  readonly coupling?: CouplingView;
  /** Facts that need saying about the file, one line each ("unsupported operator Foo at node bar"). */
  readonly problems: readonly string[];
  /** What could not be read of a model that was read in part. */
  readonly unread?: readonly UnreadView[];
}

export interface UnreadView {
  /** "unsupported-operator". */
  readonly code: string;
  /** As among the problems. */
  readonly message: string;
  /** The layers that it follows; empty where it follows none. */
  readonly layers: readonly string[];
}

export interface ValueView {
  readonly name: string;
  readonly dtype: string;
  /** Numbers, or names of open dimensions. */
  readonly shape: readonly (number | string)[];
}

export interface LayerView {
  readonly name: string;
  /** ONNX operator type. */
  readonly op: string;
  /** "Conv 3x3  1 -> 32  Relu". */
  readonly summary: string;
  readonly units: number;
  readonly parameters: number;
  /** The units are the model's outputs: never pruned. */
  readonly output: boolean;
  /** Why units of this layer cannot be pruned, with the place; absent when they can. */
  readonly fixed?: string;
  /** The layer or node that `fixed` names: what the units are coupled with. Absent where it is not for that. */
  readonly fixedAt?: string;
}

/** How the units of a model's layers hang together. */
export interface CouplingView {
  /** Layers of which all units with the same number go together, and with nothing else. */
  readonly parallel: readonly (readonly string[])[];
  /** All other groups of several units. */
  readonly groups: readonly (readonly LayerUnits[])[];
  /** Groups in which units can go instead: one place of every head, where `groups` has whole heads. */
  readonly otherwise: readonly (readonly LayerUnits[])[];
  /** Units that cannot go, of layers of which others can, and why. */
  readonly stuck: readonly StuckUnits[];
  /** Units of which one must stay, though their layers have others: see `UnitRanking.apart`. */
  readonly apart: readonly (readonly LayerUnits[])[];
}

export interface StuckUnits extends LayerUnits {
  readonly because: string;
  /** "conv3" or "node Add_12". */
  readonly at: string;
}
