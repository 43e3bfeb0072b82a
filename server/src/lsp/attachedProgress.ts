import type { CancellationToken, Connection } from "vscode-languageserver";

/**
 * Runs the work of a request: its progress goes to the token that the request names, and cancelling the
 * request aborts it.
 */
export async function attachedProgress<T>(
  connection: Connection,
  workDoneToken: string | undefined,
  token: CancellationToken,
  work: (signal: AbortSignal, report: (share: number, detail: string) => void) => Promise<T>,
): Promise<T> {
  const abort = new AbortController();
  const cancelled = token.onCancellationRequested(() => abort.abort());
  if (token.isCancellationRequested) abort.abort();
  const progress =
    workDoneToken === undefined
      ? undefined
      : connection.window.attachWorkDoneProgress(workDoneToken);
  progress?.begin("", 0, undefined, true);
  try {
    return await work(abort.signal, (share, detail) =>
      progress?.report(Math.floor(100 * share), detail),
    );
  } finally {
    progress?.done();
    cancelled.dispose();
  }
}
