import * as vscode from "vscode";
import { type Json, translated } from "./translated.ts";

/** Named in package.json, under jsonValidation. */
const SCHEME = "kaibo-schema";

/**
 * Files of the scheme `kaibo-schema`: the JSON schemas of the extension, with their texts in the display
 * language. VS Code's JSON support asks for them when it opens a file that they describe.
 */
export function registerSchemas(extension: vscode.Uri): vscode.Disposable {
  const changes = new vscode.EventEmitter<vscode.FileChangeEvent[]>();
  const refuse = (uri: vscode.Uri): never => {
    throw vscode.FileSystemError.NoPermissions(uri);
  };
  const content = async (uri: vscode.Uri): Promise<Uint8Array> => {
    if (!/^\/[\w-]+\.schema\.json$/.test(uri.path)) throw vscode.FileSystemError.FileNotFound(uri);
    const folder = vscode.Uri.joinPath(extension, "schemas");
    const schema = await vscode.workspace.fs.readFile(vscode.Uri.joinPath(folder, uri.path));
    const texts = vscode.Uri.joinPath(folder, `texts.${vscode.env.language}.json`);
    const known = await textsIn(texts);
    if (known === undefined) return schema;
    const json: Json = JSON.parse(new TextDecoder().decode(schema));
    const result = translated(json, (english) => known[english] ?? english);
    return new TextEncoder().encode(JSON.stringify(result, undefined, 2));
  };
  const files: vscode.FileSystemProvider = {
    onDidChangeFile: changes.event,
    watch: () => new vscode.Disposable(() => undefined),
    async stat(uri) {
      const { length } = await content(uri);
      return { type: vscode.FileType.File, ctime: 0, mtime: 0, size: length };
    },
    readFile: content,
    readDirectory: () => [],
    createDirectory: refuse,
    writeFile: refuse,
    delete: refuse,
    rename: refuse,
  };
  const options = { isCaseSensitive: true, isReadonly: true };
  return vscode.Disposable.from(
    changes,
    vscode.workspace.registerFileSystemProvider(SCHEME, files, options),
  );
}

/** English text → text in the language of the file; undefined: there is no such file. */
async function textsIn(uri: vscode.Uri): Promise<Readonly<Record<string, string>> | undefined> {
  try {
    return JSON.parse(new TextDecoder().decode(await vscode.workspace.fs.readFile(uri)));
  } catch (error) {
    if (error instanceof vscode.FileSystemError && error.code === "FileNotFound") return undefined;
    throw error;
  }
}
