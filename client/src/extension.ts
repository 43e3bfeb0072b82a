import * as vscode from "vscode";
import { registerCommands } from "./commands/table.ts";
import { registerListings } from "./editors/listings.ts";
import { showListingStatus } from "./listingStatus.ts";
import { connect, type Server } from "./server.ts";

let server: Server | undefined;

export function activate(context: vscode.ExtensionContext): void {
  const log = vscode.window.createOutputChannel("Kaibo", { log: true });
  server = connect(context, log);
  context.subscriptions.push(
    log,
    registerListings(server, log),
    showListingStatus(server),
    registerCommands(server, log),
  );
}

export async function deactivate(): Promise<void> {
  await server?.stop();
}
