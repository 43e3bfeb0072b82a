import * as path from "node:path";
import * as vscode from "vscode";
import { type FileItem, findInWorkspace, itemOf } from "./findInWorkspace.ts";
import { pictureFolders } from "./pictureFolders.ts";

export interface DataChoice {
  /** Path of the data file or folder; absent for a model without data. */
  readonly data?: string;
  /** Whether it is a folder of pictures. */
  readonly pictures?: boolean;
}

const extensions = ["idx", "gz", "npz", "npy", "csv"];
const glob = `**/{${[...extensions.map((each) => `*.${each}`), "*-ubyte"].join(",")}}`;
/** Labels are found beside their data; an archive is no data file. */
const notData = /labels.*idx1|\.tar\.gz$/;
const pictures = "**/*.{png,jpg,jpeg,PNG,JPG,JPEG}";
/** Enough to see the folders of several classes. */
const mostPictures = 20_000;

/** Undefined when the user turns away. */
export async function chooseData(model: string): Promise<DataChoice | undefined> {
  const placeHolder = vscode.l10n.t(
    "Choose the data that {0} is explained with",
    path.basename(model),
  );
  const none = { label: vscode.l10n.t("$(circle-slash) No data: weights only") };
  return choose(model, placeHolder, none);
}

/** The path of a data file or folder; undefined when the user turns away. */
export async function chooseTrainingData(model: string): Promise<string | undefined> {
  const placeHolder = vscode.l10n.t("Choose the data that {0} is trained on", path.basename(model));
  return (await choose(model, placeHolder))?.data;
}

/** @param none the entry for a model without data, where it may be */
async function choose(
  model: string,
  placeHolder: string,
  none?: vscode.QuickPickItem,
): Promise<DataChoice | undefined> {
  const other = { label: vscode.l10n.t("$(folder-opened) Another file…") };
  const folder = { label: vscode.l10n.t("$(file-media) Another folder of pictures…") };
  const separator = { label: "", kind: vscode.QuickPickItemKind.Separator };
  const near = path.dirname(model);
  const [files, folders] = await Promise.all([dataFiles(near), dataFolders(near)]);
  const last = none === undefined ? [] : [none];
  const items = [...files, ...folders, separator, other, folder, ...last];
  const picked = await vscode.window.showQuickPick<FileItem | vscode.QuickPickItem>(items, {
    placeHolder,
    matchOnDescription: true,
  });
  if (picked === undefined) return undefined;
  if (picked === none) return {};
  if ("uri" in picked)
    return { data: picked.uri.fsPath, pictures: folders.some((each) => each === picked) };
  const asked = picked === folder;
  const dialog = { title: placeHolder, canSelectFolders: asked, canSelectFiles: !asked };
  const [chosen] = (await vscode.window.showOpenDialog(dialog)) ?? [];
  return chosen && { data: chosen.fsPath, pictures: asked };
}

async function dataFiles(folder: string): Promise<readonly FileItem[]> {
  const files = (await findInWorkspace(glob)).filter(({ label }) => !notData.test(label));
  return nearestFirst(folder, files);
}

async function dataFolders(folder: string): Promise<readonly FileItem[]> {
  const found = await findInWorkspace(pictures, mostPictures);
  const folders = pictureFolders(found.map(({ uri }) => uri.fsPath)).map((each) => {
    const item = itemOf(vscode.Uri.file(each));
    return { ...item, label: `$(file-media) ${item.label}` };
  });
  return nearestFirst(folder, folders);
}

/** Those nearest to the model come first. */
function nearestFirst(folder: string, files: readonly FileItem[]): readonly FileItem[] {
  const steps = ({ uri }: FileItem) => path.relative(folder, uri.fsPath).split(path.sep).length;
  return files.toSorted((a, b) => steps(a) - steps(b));
}
