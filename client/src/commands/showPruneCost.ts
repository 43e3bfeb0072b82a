import * as vscode from "vscode";
import { costRequest } from "#protocol/requests.ts";
import type { Server } from "../server.ts";
import { shownListing } from "./shownListing.ts";

/** What saving the listing on show would cost, and a rounder prune where that runs faster. */
export async function showPruneCost(server: Server): Promise<void> {
  const { document } = shownListing();
  const { uri, version } = document;
  const { message, detail, rounded } = await server.request(costRequest, { uri: uri.toString() });
  const actions = rounded === undefined ? [] : [rounded.action];
  const options = { modal: true, detail };
  const chosen = await vscode.window.showInformationMessage(message, options, ...actions);
  if (rounded === undefined || chosen !== rounded.action) return;
  if (document.version !== version)
    throw new Error(vscode.l10n.t("The listing was edited meanwhile; try again."));
  const edit = new vscode.WorkspaceEdit();
  const whole = new vscode.Range(0, 0, document.lineCount, 0);
  edit.replace(uri, document.validateRange(whole), rounded.text);
  if (!(await vscode.workspace.applyEdit(edit)))
    throw new Error(vscode.l10n.t("The listing could not be edited."));
}
