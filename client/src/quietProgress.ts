/**
 * The server's progress belongs into the status bar. Of progress that can be cancelled the language
 * client makes a pop-up, but importance is computed without being asked for, and nothing pops up by
 * itself: cancelling is a command, and the status item of a listing offers it.
 */
import type { Middleware } from "vscode-languageclient/node";

export interface QuietProgress {
  readonly handle: NonNullable<Middleware["handleWorkDoneProgress"]>;
  /** What is under way now. */
  readonly running: ReadonlySet<string | number>;
}

export function quietProgress(): QuietProgress {
  const running = new Set<string | number>();
  return {
    running,
    handle(token, params, next) {
      if (params.kind === "begin") {
        running.add(token);
        params.cancellable = false;
      }
      if (params.kind === "end") running.delete(token);
      next(token, params);
    },
  };
}
