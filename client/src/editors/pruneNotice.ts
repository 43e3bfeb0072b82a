/** What the user is told after a save that pruned: the numbers, a way to look, a way back. */
import * as path from "node:path";
import * as vscode from "vscode";
import { type PruneReport, undoPruneRequest } from "#protocol/requests.ts";
import { errorText } from "../errorText.ts";
import type { Server } from "../server.ts";
import type { Pruned } from "./listingFileSystem.ts";
import type { PastListings } from "./pastListings.ts";
import { fullReport, shortReport } from "./pruneReport.ts";

interface Context {
  readonly server: Server;
  readonly log: vscode.LogOutputChannel;
  readonly past: PastListings;
  readonly refresh: () => Promise<void>;
}

export async function announcePrune(context: Context, pruned: Pruned): Promise<void> {
  const { log, past } = context;
  const { uri, report } = pruned;
  log.info(fullReport(report));
  const before = past.keep(uri, report.undo, pruned.before);
  const show = vscode.l10n.t("Show");
  const undo = vscode.l10n.t("Undo");
  const message = shortReport(report);
  let choice = await vscode.window.showInformationMessage(message, show, undo);
  if (choice !== show) past.drop(before);
  if (choice === show) {
    log.show(true);
    await showDifference(before, uri, report);
    // Looking must not cost the way back.
    choice = await vscode.window.showInformationMessage(message, undo);
  }
  if (choice === undo) await undoPrune(context, report);
}

async function showDifference(
  before: vscode.Uri,
  after: vscode.Uri,
  { model }: PruneReport,
): Promise<void> {
  const title = vscode.l10n.t("{0}: before and after the prune", path.basename(model));
  await vscode.commands.executeCommand("vscode.diff", before, after, title);
}

async function undoPrune(
  { server, log, refresh }: Context,
  { model, undo }: PruneReport,
): Promise<void> {
  const name = path.basename(model);
  try {
    await server.request(undoPruneRequest, { model, undo });
    await refresh();
    log.info(`the prune of ${model} was undone`);
    void vscode.window.showInformationMessage(
      vscode.l10n.t("The prune was undone: {0} is as it was before.", name),
    );
  } catch (error) {
    log.error(`the prune of ${model} was not undone`, error);
    void vscode.window.showErrorMessage(
      vscode.l10n.t("The prune of {0} was not undone: {1}", name, errorText(error)),
    );
  }
}
