import * as vscode from "vscode";
import { registerCommands } from "./commands/table.ts";
import { comparedListings } from "./editors/comparedListings.ts";
import { registerListings } from "./editors/listings.ts";
import { keptPrunes } from "./editors/prunes.ts";
import { underlineHints } from "./editors/underlinedHints.ts";
import { showListingStatus } from "./listingStatus.ts";
import { registerPanels } from "./panels/panels.ts";
import { removalCurvePanel } from "./panels/removalCurve.ts";
import { registerSchemas } from "./schemas/schemaFileSystem.ts";
import { connect, type Server } from "./server.ts";

let server: Server | undefined;

export function activate(context: vscode.ExtensionContext): void {
  const log = vscode.window.createOutputChannel("Kaibo", { log: true });
  server = connect(context, log);
  const prunes = keptPrunes(server, log);
  const removalCurves = registerPanels(context.extensionUri, removalCurvePanel(server));
  const compared = comparedListings();
  context.subscriptions.push(
    log,
    compared,
    registerListings(server, log, prunes),
    registerSchemas(context.extensionUri),
    underlineHints(),
    showListingStatus(server),
    removalCurves,
    registerCommands({ server, log, prunes, removalCurves, compared }),
  );
}

export async function deactivate(): Promise<void> {
  await server?.stop();
}
