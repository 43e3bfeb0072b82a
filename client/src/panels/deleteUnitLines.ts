import * as vscode from "vscode";
import { type UnitLines, unitLinesRequest } from "#protocol/requests.ts";
import type { LayerUnits } from "#protocol/views/ranking.ts";
import { listingUri } from "../listingUri.ts";
import type { Server } from "../server.ts";

/**
 * Deletes the lines of units in the listing of a model, which saving then prunes; as one edit, so that one
 * undo takes it back. Lines that are gone already stay gone. The number of lines.
 */
export async function deleteUnitLines(
  server: Server,
  model: string,
  units: readonly LayerUnits[],
): Promise<number> {
  const document = await showListing(model);
  const uri = document.uri.toString();
  const found = await server.request(unitLinesRequest, { uri, units });
  await deleteLines(document, found);
  return found.lines.length;
}

/** Shows the listing of a model, where it is on show already or in the first column. */
export async function showListing(model: string): Promise<vscode.TextDocument> {
  const uri = listingUri(model);
  const shown = vscode.window.visibleTextEditors.find(
    ({ document }) => document.uri.toString() === uri.toString(),
  );
  const document = shown?.document ?? (await vscode.workspace.openTextDocument(uri));
  await vscode.window.showTextDocument(document, {
    viewColumn: shown?.viewColumn ?? vscode.ViewColumn.One,
    preview: false,
    preserveFocus: true,
  });
  return document;
}

/** Deletes lines of a listing as one edit; fails where it is not the version that they were found in. */
export async function deleteLines(
  document: vscode.TextDocument,
  { version, lines }: UnitLines,
): Promise<void> {
  if (version !== document.version)
    throw new Error(vscode.l10n.t("The listing was edited meanwhile; try again."));
  const edit = new vscode.WorkspaceEdit();
  for (const line of lines) edit.delete(document.uri, new vscode.Range(line, 0, line + 1, 0));
  if (lines.length > 0 && !(await vscode.workspace.applyEdit(edit)))
    throw new Error(vscode.l10n.t("The listing could not be edited."));
  const [first] = lines;
  const editor = vscode.window.visibleTextEditors.find((it) => it.document === document);
  if (first !== undefined) editor?.revealRange(new vscode.Range(first, 0, first, 0));
}
