import type { Connection } from "vscode-languageserver";
import type { Control } from "../compute/pool.ts";
import { timeLeft } from "../compute/timeLeft.ts";

/** Runs work with the editor's progress indicator, which can cancel it. */
export async function withProgress<T>(
  connection: Connection,
  supported: boolean,
  title: string,
  work: (control: Control) => Promise<T>,
  language = "en",
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
      progress(done, total, left) {
        const said = timeLeft(left, language);
        progress.report(
          Math.floor((100 * done) / total),
          `${done.toLocaleString("en")} / ${total.toLocaleString("en")}${said && ` · ${said}`}`,
        );
      },
    });
  } finally {
    progress.done();
  }
}
