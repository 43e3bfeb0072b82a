import * as vscode from "vscode";

/** Throws in Restricted Mode: there a model is shown, but nothing is written. */
export function requireTrust(toError: (message: string) => Error = Error): void {
  if (vscode.workspace.isTrusted) return;
  throw toError(
    vscode.l10n.t("Kaibo writes no files in Restricted Mode; trust this workspace to save"),
  );
}
