import type { LayerUnits } from "./ranking.ts";

/** What a prune costs and gains, known before it is done. */
export interface PruneCost {
  /** All units that go, coupled ones among them. */
  readonly removed: readonly LayerUnits[];
  /** Share of samples classified as labelled, by running the model with the units masked; absent without labels. */
  readonly accuracy?: BeforeAfter;
  readonly parameters: BeforeAfter;
  /** For one sample; absent where lengths are open. */
  readonly macs?: BeforeAfter;
  /** Of the file and the files beside it. */
  readonly bytes: BeforeAfter;
  readonly latency?: Latency;
  /** A selection near this one that runs faster on this machine: removes fewer units. */
  readonly rounded?: Rounded;
}

/** Median of alternating runs of one sample, in milliseconds. */
export interface Latency extends BeforeAfter {
  /** The fastest round of each: what else the machine does only slows. */
  readonly best: BeforeAfter;
  readonly runs: number;
  readonly threads: number;
  /** "onnxruntime". */
  readonly engine: string;
}

export interface Rounded {
  /** Units that stay in each layer are a multiple of it. */
  readonly multiple: number;
  readonly removed: readonly LayerUnits[];
  readonly latency: Latency;
}

export interface BeforeAfter {
  readonly before: number;
  readonly after: number;
}
