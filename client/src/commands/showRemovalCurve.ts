import * as vscode from "vscode";
import { LISTING_LANGUAGE } from "#protocol/requests.ts";
import { listingUri } from "../listingUri.ts";
import type { Panels } from "../panels/panels.ts";
import { chooseModel } from "./chooseModel.ts";

export async function showRemovalCurve(panels: Panels, argument: unknown): Promise<void> {
  const model = await chooseModel(argument);
  if (model !== undefined) panels.show(model, await layerAtCursor(model));
}

/** The layer whose lines the cursor stands in, where a listing of the model is being edited. */
async function layerAtCursor(model: string): Promise<string | undefined> {
  const editor = vscode.window.activeTextEditor;
  if (editor?.document.languageId !== LISTING_LANGUAGE) return undefined;
  const { uri } = editor.document;
  if (uri.toString() !== listingUri(model).toString()) return undefined;
  const symbols = await vscode.commands.executeCommand<vscode.DocumentSymbol[] | undefined>(
    "vscode.executeDocumentSymbolProvider",
    uri,
  );
  return layerAt(symbols ?? [], editor.selection.active);
}

/** Modules hold layers. */
function layerAt(
  symbols: readonly vscode.DocumentSymbol[],
  at: vscode.Position,
): string | undefined {
  const around = symbols.find(({ range }) => range.contains(at));
  return around === undefined || around.kind === vscode.SymbolKind.Module
    ? around?.name
    : layerAt(around.children, at);
}
