import type { Connection } from "vscode-languageserver";
import type { Control } from "../compute/pool.ts";

/** Runs work with the editor's progress indicator, which can cancel it. */
export async function withProgress<T>(
  connection: Connection,
  supported: boolean,
  title: string,
  work: (control: Control) => Promise<T>,
): Promise<T> {
  // An editor that cannot show progress now has the work done without.
  const progress = supported
    ? await connection.window.createWorkDoneProgress().catch(() => undefined)
    : undefined;
  if (progress === undefined) return work({});
  const abort = new AbortController();
  progress.token.onCancellationRequested(() => abort.abort());
  progress.begin(`Kaibo: ${title}`, 0, undefined, true);
  try {
    return await work({
      signal: abort.signal,
      progress: (done, total) =>
        progress.report(
          Math.floor((100 * done) / total),
          `${done.toLocaleString("en")} / ${total.toLocaleString("en")}`,
        ),
    });
  } finally {
    progress.done();
  }
}
