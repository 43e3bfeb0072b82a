/** Two models side by side in VS Code's diff editor; nothing is written. */
import * as path from "node:path";
import * as vscode from "vscode";
import { isModelFile, MODEL_FILES } from "#protocol/modelFiles.ts";
import { diffRequest } from "#protocol/requests.ts";
import type { ComparedListings } from "../editors/comparedListings.ts";
import type { Server } from "../server.ts";
import { chooseModel } from "./chooseModel.ts";
import { findInWorkspace } from "./findInWorkspace.ts";

interface Context {
  readonly server: Server;
  readonly compared: ComparedListings;
}

/** @param selection what is selected in the explorer: two models are compared with each other */
export async function compareWith(
  { server, compared }: Context,
  argument: unknown,
  selection: unknown,
): Promise<void> {
  const [first, second] = selectedModels(selection);
  const before = second === undefined ? await chooseModel(argument) : first;
  const after = second ?? (before && (await chooseOther(before)));
  if (before === undefined || after === undefined) return;
  const names = [path.basename(before), path.basename(after)] as const;
  const found = await vscode.window.withProgress(
    {
      location: vscode.ProgressLocation.Notification,
      title: vscode.l10n.t("Comparing {0} with {1}", ...names),
    },
    () => server.request(diffRequest, { before, after }),
  );
  if (found.same) {
    void vscode.window.showInformationMessage(
      vscode.l10n.t("{0} and {1} are the same model.", ...names),
    );
    return;
  }
  const left = compared.show(before, `before ${after}`, found.before);
  const right = compared.show(after, `after ${before}`, found.after);
  await vscode.commands.executeCommand("vscode.diff", left, right, `${names[0]} ↔ ${names[1]}`);
}

function selectedModels(selection: unknown): readonly string[] {
  const uris: readonly unknown[] = Array.isArray(selection) ? selection : [];
  const models = uris.flatMap((uri) =>
    uri instanceof vscode.Uri && uri.scheme === "file" && isModelFile(uri.path) ? [uri.fsPath] : [],
  );
  return models.length === 2 ? models : [];
}

/** From the workspace, or from anywhere. */
async function chooseOther(than: string): Promise<string | undefined> {
  const found = await findInWorkspace(MODEL_FILES);
  const browse: vscode.QuickPickItem = { label: vscode.l10n.t("$(folder-opened) Another file…") };
  const others = found.filter(({ uri }) => uri.fsPath !== than);
  const picked = await vscode.window.showQuickPick([...others, browse], {
    placeHolder: vscode.l10n.t("Choose the model to compare {0} with", path.basename(than)),
    matchOnDescription: true,
  });
  const other = others.find((item) => item === picked);
  if (picked === undefined || other !== undefined) return other?.uri.fsPath;
  const [file] =
    (await vscode.window.showOpenDialog({ defaultUri: vscode.Uri.file(path.dirname(than)) })) ?? [];
  return file?.fsPath;
}
