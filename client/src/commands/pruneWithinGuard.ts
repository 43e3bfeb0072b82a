/** Deletes the lines of as many units as can go while accuracy stays within the guard. */
import * as path from "node:path";
import * as vscode from "vscode";
import { type GuardAnswer, guardRequest } from "#protocol/requests.ts";
import { deleteLines, showListing } from "../panels/deleteUnitLines.ts";
import type { Server } from "../server.ts";
import { chooseModel } from "./chooseModel.ts";

/** @param layer its name, from a code action; otherwise units of all layers go */
export async function pruneWithinGuard(
  server: Server,
  argument: unknown,
  layer: unknown,
): Promise<void> {
  const model = await chooseModel(argument);
  if (model === undefined) return;
  const document = await showListing(model);
  const of = typeof layer === "string" ? { layer } : {};
  const found = await measured(server, model, { uri: document.uri.toString(), ...of });
  if (found === undefined) return;
  await deleteLines(document, found);
  void vscode.window.showInformationMessage(found.message);
}

/** With progress; undefined when it is cancelled. */
function measured(
  server: Server,
  model: string,
  params: { readonly uri: string; readonly layer?: string },
): Thenable<GuardAnswer | undefined> {
  const title = vscode.l10n.t(
    "Measuring how much of {0} can go",
    params.layer ?? path.basename(model),
  );
  const location = vscode.ProgressLocation.Notification;
  return vscode.window.withProgress(
    { location, title, cancellable: true },
    async (progress, token) => {
      let shown = 0;
      const { answer, cancel, isCancelled } = server.follow(
        guardRequest,
        params,
        ({ share, detail }) => {
          progress.report({ increment: 100 * (share - shown), message: detail });
          shown = share;
        },
      );
      token.onCancellationRequested(cancel);
      try {
        return await answer;
      } catch (error) {
        if (isCancelled()) return undefined;
        throw error;
      }
    },
  );
}
