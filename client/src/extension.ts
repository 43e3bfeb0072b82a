import * as vscode from "vscode";
import { registerCommands } from "./commands/table.ts";
import { registerListings } from "./editors/listings.ts";
import { keptPrunes } from "./editors/prunes.ts";
import { underlineHints } from "./editors/underlinedHints.ts";
import { showListingStatus } from "./listingStatus.ts";
import { connect, type Server } from "./server.ts";

let server: Server | undefined;

export function activate(context: vscode.ExtensionContext): void {
  const log = vscode.window.createOutputChannel("Kaibo", { log: true });
  server = connect(context, log);
  const prunes = keptPrunes(server, log);
  context.subscriptions.push(
    log,
    registerListings(server, log, prunes),
    underlineHints(),
    showListingStatus(server),
    registerCommands({ server, log, prunes }),
  );
}

export async function deactivate(): Promise<void> {
  await server?.stop();
}
