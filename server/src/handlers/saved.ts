import { MessageType, ShowMessageNotification } from "vscode-languageserver";
import type { TextDocument } from "vscode-languageserver-textdocument";
import { describe, ProblemError } from "#core/problem.ts";
import { modelOf } from "../lsp/listingUri.ts";
import { CONFIG_NAME } from "../workspace/kaiboJson.ts";
import type { Context } from "./context.ts";
import { saveMessages } from "./messages.ts";

/**
 * A listing that is a real file was saved: the units whose lines are gone are pruned from the model
 * beside it, and the text becomes the listing of the smaller model.
 */
export async function saved(context: Context, document: TextDocument): Promise<void> {
  const { connection, models, prunes, locale } = context;
  const { uri, version } = document;
  if (!uri.startsWith("file:")) return;
  if (uri.endsWith(`/${CONFIG_NAME}`)) return models.invalidate();
  const text = document.getText();
  const model = modelOf(uri, text);
  if (model === undefined) return;
  try {
    const { revision } = await models.get(model);
    const { pruned, listing } = await prunes.save({ model, text, revision });
    if (pruned === undefined) return;
    say(MessageType.Info, saveMessages(locale).pruned(pruned, prunes.original(pruned)));
    models.invalidate(model);
    // What was typed meanwhile is not overwritten.
    if (context.documents.get(uri)?.version !== version) return;
    const range = { start: { line: 0, character: 0 }, end: document.positionAt(text.length) };
    await connection.workspace.applyEdit({
      changes: { [uri]: [{ range, newText: listing.text }] },
    });
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    say(MessageType.Error, saveMessages(locale).refused(describe(error.problem)));
  }

  /** A notification: the library's own way asks, and waits for an editor's answer. */
  function say(type: MessageType, message: string): void {
    void connection.sendNotification(ShowMessageNotification.type, { type, message });
  }
}
