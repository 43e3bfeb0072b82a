/** Trains a model file further: asks for what and how long, shows how it goes, and offers the way back. */

import * as path from "node:path";
import * as vscode from "vscode";
import {
  factsRequest,
  type Retrained,
  type RetrainParams,
  retrainRequest,
} from "#protocol/requests.ts";
import { accuracyText, arrow, digitsText } from "../editors/numbers.ts";
import type { Prunes } from "../editors/prunes.ts";
import { whileChanging } from "../editors/whileChanging.ts";
import { listingUri } from "../listingUri.ts";
import type { Server } from "../server.ts";
import { requireTrust } from "../trust.ts";
import { chooseTrainingData } from "./chooseData.ts";
import { chooseModel } from "./chooseModel.ts";

interface Context {
  readonly server: Server;
  readonly log: vscode.LogOutputChannel;
  readonly prunes: Prunes;
}

export async function retrain(context: Context, argument: unknown): Promise<void> {
  requireTrust();
  const model = await chooseModel(argument);
  if (model === undefined) return;
  refuseEdited(model);
  const params = await ask(context.server, model);
  if (params === undefined) return;
  const found = await whileChanging(
    context.server,
    model,
    () => train(context.server, params),
    (result) => result?.undo !== undefined,
  );
  await announce(context, model, found);
}

/** A prune that is not saved yet would be of another model afterwards. */
function refuseEdited(model: string): void {
  const uri = listingUri(model).toString();
  const edited = vscode.workspace.textDocuments.find((d) => d.uri.toString() === uri && d.isDirty);
  if (edited !== undefined)
    throw new Error(vscode.l10n.t("The listing has unsaved edits: save or revert them first."));
}

/** Undefined when the user turns away. */
async function ask(server: Server, model: string): Promise<RetrainParams | undefined> {
  const { data, train } = await server.request(factsRequest, { model });
  if (data === undefined && train === undefined) {
    await offerKaiboJson(model);
    return undefined;
  }
  const chosen = train === undefined ? await chooseTrainingData(model) : undefined;
  if (train === undefined && chosen === undefined) return undefined;
  const trainable = await chooseWeights(model);
  const epochs = trainable && (await chooseEpochs());
  if (trainable === undefined || epochs === undefined) return undefined;
  return { model, trainable, epochs, ...(chosen === undefined ? {} : { train: chosen }) };
}

/** How samples are prepared is said there. */
async function offerKaiboJson(model: string): Promise<void> {
  const create = vscode.l10n.t("Create kaibo.json…");
  const message = vscode.l10n.t(
    "Training needs data: name them in a kaibo.json beside {0}.",
    path.basename(model),
  );
  if ((await vscode.window.showInformationMessage(message, create)) === create)
    await vscode.commands.executeCommand("kaibo.createKaiboJson", vscode.Uri.file(model));
}

async function chooseWeights(model: string): Promise<RetrainParams["trainable"] | undefined> {
  const items = [
    {
      label: vscode.l10n.t("Fully connected layers"),
      description: vscode.l10n.t("behind the features, which are computed once"),
      trainable: "head" as const,
    },
    { label: vscode.l10n.t("All weights"), trainable: "all" as const },
  ];
  const placeHolder = vscode.l10n.t("What is trained in {0}", path.basename(model));
  return (await vscode.window.showQuickPick(items, { placeHolder }))?.trainable;
}

async function chooseEpochs(): Promise<number | undefined> {
  const items = [1, 3, 10, 30].map((epochs) => ({ label: String(epochs), epochs }));
  const placeHolder = vscode.l10n.t("Epochs: how often training goes through the data, at most");
  return (await vscode.window.showQuickPick(items, { placeHolder }))?.epochs;
}

/** With progress; cancelling keeps the best so far. */
function train(server: Server, params: RetrainParams): Thenable<Retrained | null> {
  const title = vscode.l10n.t("Training {0}", path.basename(params.model));
  const location = vscode.ProgressLocation.Notification;
  return vscode.window.withProgress({ location, title, cancellable: true }, (progress, token) => {
    let shown = 0;
    const { answer, cancel } = server.follow(retrainRequest, params, ({ share, detail }) => {
      progress.report({ increment: 100 * (share - shown), message: detail });
      shown = share;
    });
    token.onCancellationRequested(cancel);
    return answer;
  });
}

async function announce(
  { log, prunes }: Context,
  model: string,
  found: Retrained | null,
): Promise<void> {
  const name = path.basename(model);
  if (found === null) {
    void vscode.window.showInformationMessage(
      vscode.l10n.t("Training was cancelled: {0} stays as it was.", name),
    );
    return;
  }
  const { undo } = found;
  if (undo === undefined) {
    void vscode.window.showInformationMessage(
      vscode.l10n.t("Training made {0} no better: it stays as it was.", name),
    );
    return;
  }
  const message = trainedText(name, found);
  log.info(model, message);
  const back = vscode.l10n.t("Undo");
  if ((await vscode.window.showInformationMessage(message, back)) === back)
    await prunes.undo({ model, undo });
}

function trainedText(name: string, { accuracy, loss, data, epoch }: Retrained): string {
  if (accuracy === undefined)
    return vscode.l10n.t(
      "Trained {0}, best after epoch {1}: loss {2} on samples that were held out.",
      name,
      epoch,
      arrow(loss, digitsText),
    );
  const change = arrow(accuracy, accuracyText);
  return data === undefined
    ? vscode.l10n.t(
        "Trained {0}, best after epoch {1}: accuracy {2} on samples that were held out.",
        name,
        epoch,
        change,
      )
    : vscode.l10n.t(
        "Trained {0}, best after epoch {1}: accuracy {2} on {3}.",
        name,
        epoch,
        change,
        data,
      );
}
