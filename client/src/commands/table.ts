/** Every command of the palette and the menus; package.json describes the same ones. */
import * as vscode from "vscode";
import type { Prunes } from "../editors/prunes.ts";
import { errorText } from "../errorText.ts";
import type { Server } from "../server.ts";
import { computeImportance } from "./computeImportance.ts";
import { createKaiboJson } from "./createKaiboJson.ts";
import { openListing } from "./openListing.ts";
import { undoPrune } from "./undoPrune.ts";

interface Context {
  readonly server: Server;
  readonly log: vscode.LogOutputChannel;
  readonly prunes: Prunes;
}

export function registerCommands({ server, log, prunes }: Context): vscode.Disposable {
  const commands: Record<string, (argument: unknown) => Promise<void>> = {
    "kaibo.openListing": openListing,
    "kaibo.computeImportance": (argument) => computeImportance(server, argument),
    "kaibo.cancelComputation": () => server.cancel(),
    "kaibo.undoPrune": (argument) => undoPrune(prunes, argument),
    "kaibo.createKaiboJson": createKaiboJson,
    "kaibo.showLog": async () => log.show(),
  };
  const registrations = Object.entries(commands).map(([name, run]) =>
    vscode.commands.registerCommand(name, (argument: unknown) =>
      run(argument).catch((error: unknown) => {
        log.error(name, error);
        void vscode.window.showErrorMessage(errorText(error));
      }),
    ),
  );
  return vscode.Disposable.from(...registrations);
}
