import type { Peer } from "./peer.ts";

/** What a row's measurement is given. */
export interface Bench {
  readonly runs: number;
  /** Samples are divided by this (`--quick`). */
  readonly shrink: number;
  /** Threads of the peer, and compute processes of ours with one thread each. */
  readonly threads: number;
  /** The bundle of the compute process. */
  readonly script: string;
  /** Starts the peer of a row; undefined when it is not installed. */
  peer(script: string): Promise<Peer | undefined>;
  log(line: string): void;
}

/** One line of the table. */
export interface Result {
  readonly id: string;
  readonly work: string;
  readonly status: "measured" | "skipped" | "failed";
  /** With units, for the table. */
  readonly ours?: string;
  readonly peer?: string;
  /** What is held against target and aim. */
  readonly value?: number;
  readonly target: Bound;
  readonly aim?: Bound;
  /** Why it was skipped or failed. */
  readonly note?: string;
  /** Every number, for the JSON file. */
  readonly details?: Readonly<Record<string, unknown>>;
  /** Cells of the second table. */
  readonly more?: Readonly<Record<string, string>>;
}

export interface Bound {
  readonly most: number;
  readonly unit: "" | "ms";
}

export interface Row {
  readonly id: string;
  measure(bench: Bench): Promise<Result>;
}
