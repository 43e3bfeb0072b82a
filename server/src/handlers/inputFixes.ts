import { readFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";
import { type CodeAction, CodeActionKind, type Diagnostic } from "vscode-languageserver";
import { TextDocument } from "vscode-languageserver-textdocument";
import { setMember } from "../workspace/jsonEdit.ts";
import { entryIndex } from "../workspace/kaiboJson.ts";
import type { Context } from "./context.ts";
import { actionMessages } from "./messages.ts";
import type { OpenListing } from "./open.ts";

/** What kaibo.json must say so that the data fit the model, where that is known: an edit of kaibo.json. */
export async function inputFixes(
  context: Context,
  { model, snapshot }: OpenListing,
  diagnostics: readonly Diagnostic[],
): Promise<CodeAction[]> {
  const { failure, config } = snapshot;
  if (failure?.fix === undefined || config === undefined) return [];
  const { key, value } = failure.fix;
  const uri = pathToFileURL(config.file).href;
  const document =
    context.documents.get(uri) ??
    TextDocument.create(uri, "json", 0, await readFile(config.file, "utf8"));
  const text = document.getText();
  const index = entryIndex(text, config.file, model);
  if (index === undefined) return [];
  const written = JSON.stringify(value).replaceAll(",", ", ");
  const change = setMember(text, ["models", index, "input", key], written);
  if (change === undefined) return [];
  const range = { start: document.positionAt(change.from), end: document.positionAt(change.to) };
  return [
    {
      title: actionMessages(context.locale).setInput(key, written),
      kind: CodeActionKind.QuickFix,
      isPreferred: true,
      diagnostics: diagnostics.filter(({ code }) => code === failure.code),
      edit: { changes: { [uri]: [{ range, newText: change.text }] } },
    },
  ];
}
