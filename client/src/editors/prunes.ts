/** The prunes of this session and the way back from each. */
import * as path from "node:path";
import * as vscode from "vscode";
import { type PruneReport, undoPruneRequest } from "#protocol/requests.ts";
import { errorText } from "../errorText.ts";
import type { Server } from "../server.ts";

export interface Prunes {
  add(report: PruneReport): void;
  /** Puts back what a prune cut and says so. */
  undo(report: PruneReport): Promise<void>;
  undoLast(model: string): Promise<void>;
}

export function keptPrunes(server: Server, log: vscode.LogOutputChannel): Prunes {
  let kept: readonly PruneReport[] = [];

  async function undo(report: PruneReport): Promise<void> {
    const { model } = report;
    const name = path.basename(model);
    try {
      await server.request(undoPruneRequest, { model, undo: report.undo });
      kept = kept.filter((it) => it !== report);
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

  return {
    add: (report) => {
      kept = [...kept, report];
    },
    undo,
    async undoLast(model) {
      const last = kept.findLast((it) => it.model === model);
      if (last !== undefined) return undo(last);
      const name = path.basename(model);
      throw new Error(vscode.l10n.t("In this session there is no prune of {0} to undo.", name));
    },
  };
}
