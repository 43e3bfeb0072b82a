import * as path from "node:path";
import * as vscode from "vscode";
import { exportPlanRequest } from "#protocol/requests.ts";
import type { Server } from "../server.ts";
import { requireTrust } from "../trust.ts";
import { planFilters } from "./importPlan.ts";
import { shownListing } from "./shownListing.ts";

/** Writes what is deleted in the listing on show as a prune plan: to the file that it is given or asks for. */
export async function exportPlan(server: Server, argument: unknown): Promise<void> {
  requireTrust();
  const { document, model } = shownListing();
  const { text } = await server.request(exportPlanRequest, { uri: document.uri.toString() });
  if (text === undefined)
    throw new Error(
      vscode.l10n.t("Nothing is deleted in the listing: delete the lines of units, then export."),
    );
  const given = argument instanceof vscode.Uri && argument.path.endsWith(".json");
  const file = given ? argument : await chooseFile(model);
  if (file === undefined) return;
  await vscode.workspace.fs.writeFile(file, Buffer.from(text));
  void vscode.window.showInformationMessage(
    vscode.l10n.t("The prune plan was written to {0}.", path.basename(file.fsPath)),
  );
}

function chooseFile(model: string): Thenable<vscode.Uri | undefined> {
  const { dir, name } = path.parse(model);
  return vscode.window.showSaveDialog({
    defaultUri: vscode.Uri.file(path.join(dir, `${name}.kaibo-plan.json`)),
    filters: planFilters(),
  });
}
