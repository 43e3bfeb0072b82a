/** VS Code fades what a hint calls unnecessary, but draws no line under it: this does. */
import * as vscode from "vscode";
import { LISTING_LANGUAGE } from "#protocol/requests.ts";

export function underlineHints(): vscode.Disposable {
  const style = vscode.window.createTextEditorDecorationType({
    textDecoration: "underline dotted",
  });
  const update = () => {
    for (const editor of vscode.window.visibleTextEditors) {
      if (editor.document.languageId === LISTING_LANGUAGE)
        editor.setDecorations(style, hints(editor.document.uri));
    }
  };
  update();
  return vscode.Disposable.from(
    style,
    vscode.languages.onDidChangeDiagnostics(update),
    vscode.window.onDidChangeVisibleTextEditors(update),
  );
}

function hints(uri: vscode.Uri): vscode.Range[] {
  return vscode.languages
    .getDiagnostics(uri)
    .filter(({ severity }) => severity === vscode.DiagnosticSeverity.Hint)
    .map(({ range }) => range);
}
