import type { ParseArgsConfig } from "node:util";

export type Flags = NonNullable<ParseArgsConfig["options"]>;

/** What a command gets: positional arguments and flags, already parsed. */
export interface Arguments {
  readonly positionals: readonly string[];
  readonly values: Readonly<
    Record<string, string | boolean | readonly (string | boolean)[] | undefined>
  >;
}

/** Where a command writes: results to stdout, progress and notes to stderr. */
export interface Terminal {
  out(text: string): void;
  note(text: string): void;
  /** Shows how far the work is and the seconds that are left, when stderr is a terminal. */
  progress(done: number, total: number, left?: number): void;
  /** Aborted by Ctrl+C. */
  readonly signal: AbortSignal;
}

export interface Outcome {
  /** The object of `--json`. */
  readonly json: object;
  /** The same for people. */
  readonly text: string;
  /** Findings at or over `--fail-on`: exit 1. */
  readonly failed?: boolean;
}

export interface Command {
  readonly name: string;
  /** "MODEL --data DATA" */
  readonly usage: string;
  readonly about: string;
  readonly flags: Flags;
  /** One line per flag: [flag, meaning]. */
  readonly help: readonly (readonly [string, string])[];
  run(args: Arguments, terminal: Terminal): Promise<Outcome>;
}
