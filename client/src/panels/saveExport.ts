import * as path from "node:path";
import * as vscode from "vscode";
import type { Export } from "#protocol/panels/removalCurve.ts";
import { requireTrust } from "../trust.ts";

const names = { svg: "SVG", png: "PNG", csv: "CSV" } as const;

/** Asks where a picture or table of a model goes, and writes it there; null when the user turns away. */
export async function saveExport(model: string, { kind, content }: Export): Promise<string | null> {
  requireTrust();
  const { dir, name } = path.parse(model);
  const file = await vscode.window.showSaveDialog({
    defaultUri: vscode.Uri.file(path.join(dir, `${name}-removal-curve.${kind}`)),
    filters: { [names[kind]]: [kind] },
  });
  if (file === undefined) return null;
  const bytes = Buffer.from(content, kind === "png" ? "base64" : "utf8");
  await vscode.workspace.fs.writeFile(file, bytes);
  return file.fsPath;
}
