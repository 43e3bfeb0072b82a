import * as vscode from "vscode";
import { LISTING_LANGUAGE } from "#protocol/requests.ts";

/** Throws in Restricted Mode: there a model is shown, but nothing is written. */
export function requireTrust(toError: (message: string) => Error = Error): void {
  if (vscode.workspace.isTrusted) return;
  throw toError(refusal());
}

/** A listing that is a file is written all the same, but its model is not: the server never hears of it. */
export async function savedIfTrusted(
  document: vscode.TextDocument,
  next: (document: vscode.TextDocument) => Promise<void>,
): Promise<void> {
  if (vscode.workspace.isTrusted) return next(document);
  if (document.languageId === LISTING_LANGUAGE) void vscode.window.showWarningMessage(refusal());
}

const refusal = (): string =>
  vscode.l10n.t("Kaibo writes no files in Restricted Mode; trust this workspace to save");
