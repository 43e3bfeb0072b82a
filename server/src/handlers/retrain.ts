import type { CancellationToken } from "vscode-languageserver";
import type { Retrained, RetrainParams } from "#protocol/requests.ts";
import { timeLeft } from "../compute/timeLeft.ts";
import { attachedProgress } from "../lsp/attachedProgress.ts";
import type { Context } from "./context.ts";
import { retrainMessages } from "./retrainMessages.ts";

/** Trains a model, with progress to whoever asked; what is best is kept when the request is cancelled. */
export async function retrain(
  { connection, retraining, locale }: Context,
  params: RetrainParams,
  token: CancellationToken,
): Promise<Retrained | null> {
  const texts = retrainMessages(locale);
  return attachedProgress(connection, params.workDoneToken, token, (signal, report) => {
    let epoch = "";
    let share = 0;
    return retraining.retrain(params, {
      signal,
      progress(done, total, left) {
        share = done / total;
        report(share, [epoch, timeLeft(left, locale)].filter((t) => t !== "").join(" · "));
      },
      epoch(found) {
        epoch = texts.epoch(found, params.epochs);
        report(share, epoch);
      },
    });
  });
}
