/** Every command of the palette and the menus; package.json describes the same ones. */
import * as vscode from "vscode";
import type { ComparedListings } from "../editors/comparedListings.ts";
import type { Prunes } from "../editors/prunes.ts";
import { errorText } from "../errorText.ts";
import type { Panels } from "../panels/panels.ts";
import type { Server } from "../server.ts";
import { compareWith } from "./compareWith.ts";
import { computeImportance } from "./computeImportance.ts";
import { createKaiboJson } from "./createKaiboJson.ts";
import { exportPlan } from "./exportPlan.ts";
import { importPlan } from "./importPlan.ts";
import { openListing } from "./openListing.ts";
import { pruneWithinGuard } from "./pruneWithinGuard.ts";
import { retrain } from "./retrain.ts";
import { showPruneCost } from "./showPruneCost.ts";
import { showRemovalCurve } from "./showRemovalCurve.ts";
import { restoreOriginal, undoPrune } from "./undoPrune.ts";

interface Context {
  readonly server: Server;
  readonly log: vscode.LogOutputChannel;
  readonly prunes: Prunes;
  readonly removalCurves: Panels;
  readonly compared: ComparedListings;
}

/** Menus of the explorer also say what is selected. */
type Run = (argument: unknown, selection: unknown) => Promise<void>;

export function registerCommands(context: Context): vscode.Disposable {
  const { server, log, prunes, removalCurves } = context;
  const commands: Record<string, Run> = {
    "kaibo.openListing": openListing,
    "kaibo.computeImportance": (argument) => computeImportance(server, argument),
    "kaibo.cancelComputation": () => server.cancel(),
    "kaibo.undoPrune": (argument) => undoPrune(prunes, argument),
    "kaibo.restoreOriginal": (argument) => restoreOriginal(prunes, argument),
    "kaibo.compareWith": (argument, selection) => compareWith(context, argument, selection),
    "kaibo.showRemovalCurve": (argument) => showRemovalCurve(removalCurves, argument),
    "kaibo.retrain": (argument) => retrain(context, argument),
    "kaibo.showPruneCost": () => showPruneCost(server),
    "kaibo.pruneWithinGuard": (argument, layer) => pruneWithinGuard(server, argument, layer),
    "kaibo.exportPlan": (argument) => exportPlan(server, argument),
    "kaibo.importPlan": (argument) => importPlan(server, argument),
    "kaibo.createKaiboJson": createKaiboJson,
    "kaibo.showLog": async () => log.show(),
  };
  const registrations = Object.entries(commands).map(([name, run]) =>
    vscode.commands.registerCommand(name, (argument: unknown, selection: unknown) =>
      run(argument, selection).catch((error: unknown) => {
        log.error(name, error);
        void vscode.window.showErrorMessage(errorText(error));
      }),
    ),
  );
  return vscode.Disposable.from(...registrations);
}
