import * as vscode from "vscode";
import { modelOfListing } from "../listingUri.ts";

/** The listing in the active editor and its model's path. Throws with a message for people. */
export function shownListing(): { readonly document: vscode.TextDocument; readonly model: string } {
  const document = vscode.window.activeTextEditor?.document;
  const model = document && modelOfListing(document.uri);
  if (document === undefined || model === undefined)
    throw new Error(vscode.l10n.t("Open the listing of a model first."));
  return { document, model };
}
