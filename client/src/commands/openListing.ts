import * as vscode from "vscode";
import { listingUri } from "../listingUri.ts";
import { chooseModel } from "./chooseModel.ts";

export async function openListing(argument: unknown): Promise<void> {
  const model = await chooseModel(argument);
  if (model === undefined) return;
  const uri = listingUri(model);
  // Why a model cannot be read is told here; the editor would only point to a log.
  await vscode.workspace.fs.stat(uri);
  await vscode.window.showTextDocument(uri, { preview: false });
}
