import * as vscode from "vscode";
import { isModelFile, MODEL_FILES } from "#protocol/modelFiles.ts";
import { LISTING_SCHEME } from "#protocol/requests.ts";
import { modelOfListing } from "../listingUri.ts";
import { findInWorkspace } from "./findInWorkspace.ts";

/**
 * The model a command is about: the one it was given, else the one on show, else one that the user
 * picks. Undefined when they pick none.
 */
export async function chooseModel(argument: unknown): Promise<string | undefined> {
  return modelOf(argument) ?? modelOf(onShow()) ?? (await pickModel());
}

/** A menu gives an address, the server gives a path or the address of a listing. */
function modelOf(argument: unknown): string | undefined {
  if (typeof argument === "string")
    return argument.startsWith(`${LISTING_SCHEME}:`)
      ? modelOfListing(vscode.Uri.parse(argument))
      : argument;
  if (!(argument instanceof vscode.Uri)) return undefined;
  const isModel = argument.scheme === "file" && isModelFile(argument.path);
  return isModel ? argument.fsPath : modelOfListing(argument);
}

function onShow(): vscode.Uri | undefined {
  const input = vscode.window.tabGroups.activeTabGroup.activeTab?.input;
  if (input instanceof vscode.TabInputText || input instanceof vscode.TabInputCustom) {
    return input.uri;
  }
  return input instanceof vscode.TabInputTextDiff ? input.modified : undefined;
}

async function pickModel(): Promise<string | undefined> {
  const models = await findInWorkspace(MODEL_FILES);
  if (models.length === 0)
    throw new Error(vscode.l10n.t("There is no model file in the workspace."));
  const placeHolder = vscode.l10n.t("Choose a model");
  const picked = await vscode.window.showQuickPick(models, {
    placeHolder,
    matchOnDescription: true,
  });
  return picked?.uri.fsPath;
}
