import { randomUUID } from "node:crypto";
import type * as vscode from "vscode";
import { type LanguageClient, WorkDoneProgress } from "vscode-languageclient/node";
import type { Progress } from "./server.ts";

/** A request whose params take a work-done token: what the server says of its progress is told on. */
export async function followed(
  client: LanguageClient,
  method: string,
  params: object,
  tell: (progress: Progress) => void,
  token: vscode.CancellationToken,
): Promise<unknown> {
  const workDoneToken = randomUUID();
  const listening = client.onProgress(WorkDoneProgress.type, workDoneToken, (said) => {
    if (said.kind === "report")
      tell({ share: (said.percentage ?? 0) / 100, detail: said.message ?? "" });
  });
  try {
    return await client.sendRequest(method, { ...params, workDoneToken }, token);
  } finally {
    listening.dispose();
  }
}
