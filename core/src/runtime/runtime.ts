import type { Graph } from "../ir/graph.ts";
import type { Tensor } from "../ir/tensor.ts";

/** Runs graphs. Each implementation is the oracle of the others; reference.ts is the oracle of all. */
export interface Runtime {
  /** As in `--engine`. */
  readonly name: string;
  /** What it computes with, where it has several: "wasm". */
  readonly backend?: string;
  compile(graph: Graph, options?: CompileOptions): Promise<Program>;
}

export interface CompileOptions {
  /** Whether each run may write over the tensors that the last one gave. */
  readonly reuse?: boolean;
  /** Threads for one operator; 1 gives results that depend on nothing but the data. */
  readonly threads?: number;
}

/** A compiled graph. Not re-entrant: one run at a time. */
export interface Program {
  /** One tensor per graph input, in order → one per graph output, in order. */
  run(inputs: readonly Tensor[]): Promise<readonly Tensor[]>;
  /** Frees native memory; the program must not be run again. */
  release(): Promise<void>;
}
