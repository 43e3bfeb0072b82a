import * as path from "node:path";
import * as vscode from "vscode";

export interface FileItem extends vscode.QuickPickItem {
  readonly uri: vscode.Uri;
}

const excluded = "**/{node_modules,.git,.venv,venv,site-packages,__pycache__}/**";
const most = 1000;

/** Files as entries of a quick pick: name, then folder; sorted by path. */
export async function findInWorkspace(glob: string, limit = most): Promise<readonly FileItem[]> {
  const found = await vscode.workspace.findFiles(glob, excluded, limit);
  return found.map(itemOf).sort((a, b) => a.uri.path.localeCompare(b.uri.path));
}

export function itemOf(uri: vscode.Uri): FileItem {
  const folder = path.posix.dirname(vscode.workspace.asRelativePath(uri));
  const label = path.posix.basename(uri.path);
  return folder === "." ? { label, uri } : { label, uri, description: folder };
}
