/** Wires what makes a model's listing an ordinary editor: the file system, its news, its past. */
import * as vscode from "vscode";
import { LISTING_SCHEME, listingChanged } from "#protocol/requests.ts";
import { listingUri } from "../listingUri.ts";
import type { Server } from "../server.ts";
import { listingFileSystem } from "./listingFileSystem.ts";
import { listingVersions } from "./listingVersions.ts";
import { pastListings } from "./pastListings.ts";
import { announcePrune } from "./pruneNotice.ts";
import type { Prunes } from "./prunes.ts";

export function registerListings(
  server: Server,
  log: vscode.LogOutputChannel,
  prunes: Prunes,
): vscode.Disposable {
  const versions = listingVersions();
  const past = pastListings();
  const files = listingFileSystem(server, versions, (pruned) => {
    announcePrune({ log, past, prunes }, pruned).catch((error: unknown) =>
      log.error("the notice of a prune failed", error),
    );
  });
  server.on(listingChanged, ({ model }) => void files.changed(listingUri(model)));
  return vscode.Disposable.from(
    files,
    past,
    vscode.workspace.registerFileSystemProvider(LISTING_SCHEME, files, { isCaseSensitive: true }),
    vscode.workspace.onDidSaveTextDocument(({ uri }) => {
      if (versions.saveEnded(uri)) void files.changed(uri);
    }),
    vscode.workspace.onDidChangeTextDocument(({ document, contentChanges }) => {
      if (contentChanges.length > 0) server.heldBack.delete(document.uri.toString());
      // No longer dirty: what changed meanwhile may come in now.
      const settled = contentChanges.length === 0 && !document.isDirty;
      if (settled && document.uri.scheme === LISTING_SCHEME) void files.changed(document.uri);
    }),
    vscode.workspace.onDidCloseTextDocument(({ uri }) => {
      versions.forget(uri);
      server.heldBack.delete(uri.toString());
    }),
  );
}
