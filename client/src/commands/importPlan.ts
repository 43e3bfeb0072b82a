import * as path from "node:path";
import * as vscode from "vscode";
import { importPlanRequest } from "#protocol/requests.ts";
import { deleteUnitLines } from "../panels/deleteUnitLines.ts";
import type { Server } from "../server.ts";
import { shownListing } from "./shownListing.ts";

export const planFilters = (): Record<string, string[]> => ({
  [vscode.l10n.t("Prune plan")]: ["json"],
});

/** Deletes the lines of what a plan removes from the listing on show; saving prunes, undo takes it back. */
export async function importPlan(server: Server, argument: unknown): Promise<void> {
  const { model } = shownListing();
  const given = argument instanceof vscode.Uri && argument.path.endsWith(".json");
  const plan = given ? argument : await choosePlan(model);
  if (plan === undefined) return;
  const { units, other } = await server.request(importPlanRequest, { model, plan: plan.fsPath });
  const lines = await deleteUnitLines(server, model, units);
  const name = path.basename(plan.fsPath);
  const done = vscode.l10n.t(
    "{0}: {1} units deleted from the listing. Save to prune.",
    name,
    lines,
  );
  const note = vscode.l10n.t("The plan was made for another file whose layers are the same.");
  void vscode.window.showInformationMessage(other ? `${done} ${note}` : done);
}

async function choosePlan(model: string): Promise<vscode.Uri | undefined> {
  const [file] =
    (await vscode.window.showOpenDialog({
      defaultUri: vscode.Uri.file(path.dirname(model)),
      filters: planFilters(),
    })) ?? [];
  return file;
}
