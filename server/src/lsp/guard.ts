import type { Connection } from "vscode-languageserver";
import { describe, ProblemError } from "#core/problem.ts";

/** A handler that fails is logged and answers with nothing; the server stays alive. */
export async function guard<T>(
  connection: Connection,
  what: string,
  nothing: T,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const text =
      error instanceof ProblemError
        ? describe(error.problem)
        : ((error as Error).stack ?? String(error));
    connection.console.error(`${what}: ${text}`);
    return nothing;
  }
}
