import * as vscode from "vscode";
import { commands, LISTING_LANGUAGE } from "#protocol/requests.ts";

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

/** What is not offered in Restricted Mode: opening files that are over the limits. */
export async function offeredIfTrusted<T extends vscode.Command | vscode.CodeAction>(
  found: Thenable<readonly T[] | null | undefined> | readonly T[] | null | undefined,
): Promise<T[]> {
  const all = [...((await found) ?? [])];
  return vscode.workspace.isTrusted ? all : all.filter((it) => nameOf(it) !== commands.openAnyway);
}

const nameOf = ({ command }: vscode.Command | vscode.CodeAction): string | undefined =>
  typeof command === "string" ? command : command?.command;

/** Code actions run the server's commands: those that write files only in a trusted workspace. */
export async function executedIfTrusted(
  command: string,
  args: unknown[],
  next: (command: string, args: unknown[]) => unknown,
): Promise<unknown> {
  if (vscode.workspace.isTrusted) return next(command, args);
  if (command === commands.restoreOriginal) return void vscode.window.showWarningMessage(refusal());
  if (command === commands.openAnyway) return undefined;
  return next(command, args);
}

const refusal = (): string =>
  vscode.l10n.t("Kaibo writes no files in Restricted Mode; trust this workspace to save");
