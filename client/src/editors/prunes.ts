/** The way back from prunes: the server keeps what the models were. */
import * as path from "node:path";
import * as vscode from "vscode";
import { commands, type UndoPruneParams, undoPruneRequest } from "#protocol/requests.ts";
import { errorText } from "../errorText.ts";
import type { Server } from "../server.ts";
import { requireTrust } from "../trust.ts";
import { whileChanging } from "./whileChanging.ts";

export interface Prunes {
  /** Puts back what a prune cut and says so; the last prune when none is named. */
  undo(prune: UndoPruneParams): Promise<void>;
  /** Puts back what the model was before the first prune, after asking. */
  restore(model: string): Promise<void>;
}

export function keptPrunes(server: Server, log: vscode.LogOutputChannel): Prunes {
  return {
    async undo({ model, undo }) {
      requireTrust();
      const name = path.basename(model);
      try {
        const params = { model, ...(undo === undefined ? {} : { undo }) };
        await whileChanging(server, model, () => server.request(undoPruneRequest, params));
        log.info(`the last change of ${model} was undone`);
        void vscode.window.showInformationMessage(
          vscode.l10n.t("Undone: {0} is as it was before.", name),
        );
      } catch (error) {
        log.error(`the last change of ${model} was not undone`, error);
        void vscode.window.showErrorMessage(
          vscode.l10n.t("The change of {0} was not undone: {1}", name, errorText(error)),
        );
      }
    },
    async restore(model) {
      requireTrust();
      const name = path.basename(model);
      const restore = vscode.l10n.t("Restore");
      const asked = await vscode.window.showWarningMessage(
        vscode.l10n.t("Restore {0} as it was before Kaibo first changed it?", name),
        { modal: true },
        restore,
      );
      if (asked !== restore) return;
      await whileChanging(server, model, () => server.execute(commands.restoreOriginal, model));
      void vscode.window.showInformationMessage(
        vscode.l10n.t("{0} is restored as it was before Kaibo first changed it.", name),
      );
    },
  };
}
