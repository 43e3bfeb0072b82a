import type { Preprocess } from "./data/preprocess.ts";

/** A fact about a file of the user's: what is wrong, where, and what to do. A value, never a crash. */
export interface Problem {
  /** Stable identifier, e.g. "unreadable-model", "data-mismatch". */
  readonly code: ProblemCode;
  /** Lower-case, specific, says what to do next. */
  readonly message: string;
  /** Where: the file, and the place in it ("byte 1204", "row 3, column alcohol", "node conv1"). */
  readonly at: Place;
  /** What to set in kaibo.json's `input`, where that can be known. */
  readonly fix?: InputFix;
}

export interface InputFix {
  readonly key: keyof Preprocess;
  readonly value: number | string | readonly number[];
}

export interface Place {
  readonly file: string;
  readonly place?: string;
}

export type ProblemCode =
  | "unreadable-model"
  /** More than is read unless people say so: see limits.ts. */
  | "over-limit"
  | "unsupported-operator"
  | "unreadable-data"
  | "data-mismatch"
  | "cannot-prune"
  | "cannot-write"
  | "bad-request"
  | "cancelled"
  | "compute-failed";

/** Carries a problem out of deep code to the boundary that turns it into a value. */
export class ProblemError extends Error {
  readonly problem: Problem;
  constructor(problem: Problem) {
    super(problem.message);
    this.name = "ProblemError";
    this.problem = problem;
  }
}

export function problem(code: ProblemCode, message: string, file: string, place?: string): Problem {
  return { code, message, at: place === undefined ? { file } : { file, place } };
}

/** Throws the problem towards the nearest boundary. */
export function fail(code: ProblemCode, message: string, file: string, place?: string): never {
  throw new ProblemError(problem(code, message, file, place));
}

/** "model.onnx, byte 12: message" — the one-line form for terminals and logs. */
export function describe({ at, message }: Problem): string {
  const where = at.place === undefined ? at.file : `${at.file}, ${at.place}`;
  return where === "" ? message : `${where}: ${message}`;
}
