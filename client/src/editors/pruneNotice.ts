/** What the user is told after a save that pruned: the numbers, a way to look, a way back. */
import * as path from "node:path";
import * as vscode from "vscode";
import type { PruneReport } from "#protocol/requests.ts";
import type { Pruned } from "./listingFileSystem.ts";
import type { PastListings } from "./pastListings.ts";
import { fullReport, shortReport } from "./pruneReport.ts";
import type { Prunes } from "./prunes.ts";

interface Context {
  readonly log: vscode.LogOutputChannel;
  readonly past: PastListings;
  readonly prunes: Prunes;
}

export async function announcePrune(context: Context, pruned: Pruned): Promise<void> {
  const { log, past, prunes } = context;
  const { uri, report } = pruned;
  log.info(fullReport(report));
  const before = past.keep(uri, `${report.undo} before`, pruned.before);
  // Not the listing as it is now: in that every number is new, and nobody would find the lines that went.
  const after = past.keep(uri, `${report.undo} after`, pruned.after);
  const show = vscode.l10n.t("Show");
  const undo = vscode.l10n.t("Undo");
  const message = shortReport(report);
  let choice = await vscode.window.showInformationMessage(message, show, undo);
  if (choice !== show) for (const it of [before, after]) past.drop(it);
  if (choice === show) {
    log.show(true);
    await showDifference(before, after, report);
    // Looking must not cost the way back.
    choice = await vscode.window.showInformationMessage(message, undo);
  }
  if (choice === undo) await prunes.undo(report);
}

async function showDifference(
  before: vscode.Uri,
  after: vscode.Uri,
  { model }: PruneReport,
): Promise<void> {
  const title = vscode.l10n.t("{0}: before and after the prune", path.basename(model));
  await vscode.commands.executeCommand("vscode.diff", before, after, title);
}
