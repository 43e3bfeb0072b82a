import * as vscode from "vscode";
import type { ConfirmParams } from "#protocol/requests.ts";

/** A save waits for the answer: the question is in front of everything else. */
export async function confirm({ message, detail, accept }: ConfirmParams): Promise<boolean> {
  const options = { modal: true, detail };
  return (await vscode.window.showWarningMessage(message, options, accept)) === accept;
}
