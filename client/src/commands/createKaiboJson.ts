/** Writes a kaibo.json beside a model; only ever because somebody asked for it. */
import * as path from "node:path";
import * as vscode from "vscode";
import { requireTrust } from "../trust.ts";
import { chooseData } from "./chooseData.ts";
import { chooseModel } from "./chooseModel.ts";
import { kaiboJson } from "./kaiboJson.ts";

export async function createKaiboJson(argument: unknown): Promise<void> {
  requireTrust();
  const model = await chooseModel(argument);
  if (model === undefined) return;
  const existing = await nearest(path.dirname(model));
  if (existing !== undefined) {
    await vscode.window.showTextDocument(existing);
    void vscode.window.showInformationMessage(
      vscode.l10n.t(
        "This kaibo.json is already there: say in it which data {0} has.",
        path.basename(model),
      ),
    );
    return;
  }
  const choice = await chooseData(model);
  if (choice === undefined) return;
  const file = vscode.Uri.file(path.join(path.dirname(model), "kaibo.json"));
  await vscode.workspace.fs.writeFile(file, Buffer.from(kaiboJson(model, choice)));
  await vscode.window.showTextDocument(file);
}

/** The kaibo.json that covers a folder: in it, or above it inside the workspace. */
async function nearest(folder: string): Promise<vscode.Uri | undefined> {
  const file = vscode.Uri.file(path.join(folder, "kaibo.json"));
  if (await exists(file)) return file;
  const root = vscode.workspace.getWorkspaceFolder(file)?.uri.fsPath;
  const parent = path.dirname(folder);
  return root === undefined || folder === root || parent === folder ? undefined : nearest(parent);
}

async function exists(uri: vscode.Uri): Promise<boolean> {
  try {
    await vscode.workspace.fs.stat(uri);
    return true;
  } catch (error) {
    if (error instanceof vscode.FileSystemError && error.code === "FileNotFound") return false;
    throw error;
  }
}
