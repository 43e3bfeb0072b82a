import * as path from "node:path";
import * as vscode from "vscode";
import { type FileItem, findInWorkspace } from "./findInWorkspace.ts";

export interface DataChoice {
  /** Path of the data file; absent for a model without data. */
  readonly data?: string;
}

const extensions = ["idx", "gz", "npz", "npy", "csv"];
const glob = `**/{${[...extensions.map((each) => `*.${each}`), "*-ubyte"].join(",")}}`;
/** Labels are found beside their data; an archive is no data file. */
const notData = /labels.*idx1|\.tar\.gz$/;

/** Undefined when the user turns away. */
export async function chooseData(model: string): Promise<DataChoice | undefined> {
  const none = { label: vscode.l10n.t("$(circle-slash) No data: weights only") };
  const other = { label: vscode.l10n.t("$(folder-opened) Another file…") };
  const separator = { label: "", kind: vscode.QuickPickItemKind.Separator };
  const items = [...(await dataFiles(path.dirname(model))), separator, other, none];
  const placeHolder = vscode.l10n.t(
    "Choose the data that {0} is explained with",
    path.basename(model),
  );
  const picked = await vscode.window.showQuickPick<FileItem | vscode.QuickPickItem>(items, {
    placeHolder,
    matchOnDescription: true,
  });
  if (picked === undefined) return undefined;
  if (picked === none) return {};
  if ("uri" in picked) return { data: picked.uri.fsPath };
  const [file] = (await vscode.window.showOpenDialog({ title: placeHolder })) ?? [];
  return file && { data: file.fsPath };
}

/** Those nearest to the model come first. */
async function dataFiles(folder: string): Promise<readonly FileItem[]> {
  const files = (await findInWorkspace(glob)).filter(({ label }) => !notData.test(label));
  const steps = ({ uri }: FileItem) => path.relative(folder, uri.fsPath).split(path.sep).length;
  return files.toSorted((a, b) => steps(a) - steps(b));
}
