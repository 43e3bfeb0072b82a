/** The language status item of a listing: what Kaibo knows of the model, and how to compute it again. */
import * as vscode from "vscode";
import {
  LISTING_LANGUAGE,
  LISTING_SCHEME,
  type ModelStatusParams,
  modelStatus,
} from "#protocol/requests.ts";
import { listingUri } from "./listingUri.ts";
import type { Server } from "./server.ts";

type State = ModelStatusParams["state"];

export function showListingStatus(server: Server): vscode.Disposable {
  const known = new Map<string, ModelStatusParams>();
  const item = vscode.languages.createLanguageStatusItem("kaibo.model", {
    language: LISTING_LANGUAGE,
    scheme: LISTING_SCHEME,
  });
  item.name = vscode.l10n.t("Kaibo model");
  const update = () => {
    const uri = vscode.window.activeTextEditor?.document.uri;
    if (uri?.scheme === LISTING_SCHEME) show(item, uri, known.get(uri.toString()));
  };
  server.on(modelStatus, (status) => {
    known.set(listingUri(status.model).toString(), status);
    update();
  });
  update();
  return vscode.Disposable.from(item, vscode.window.onDidChangeActiveTextEditor(update));
}

function show(
  item: vscode.LanguageStatusItem,
  uri: vscode.Uri,
  status: ModelStatusParams | undefined,
): void {
  const state = status?.state ?? "reading";
  item.text = label(state);
  item.detail = status?.detail ?? "";
  item.busy = state === "reading" || state === "computing";
  item.severity =
    state === "failed"
      ? vscode.LanguageStatusSeverity.Error
      : vscode.LanguageStatusSeverity.Information;
  item.command = nextStep(state, uri);
}

function label(state: State): string {
  switch (state) {
    case "reading":
      return vscode.l10n.t("Reading the model");
    case "computing":
      return vscode.l10n.t("Computing importance");
    case "ready":
      return vscode.l10n.t("Importance is up to date");
    case "no-data":
      return vscode.l10n.t("No data: weights only");
    case "failed":
      return vscode.l10n.t("Importance is missing");
  }
}

function nextStep(state: State, uri: vscode.Uri): vscode.Command | undefined {
  switch (state) {
    case "reading":
      return undefined;
    case "computing":
      return { command: "kaibo.cancelComputation", title: vscode.l10n.t("Cancel") };
    case "no-data":
      return {
        command: "kaibo.createKaiboJson",
        title: vscode.l10n.t("Choose Data…"),
        arguments: [uri],
      };
    case "ready":
    case "failed":
      return {
        command: "kaibo.computeImportance",
        title: vscode.l10n.t("Compute Again"),
        arguments: [uri],
      };
  }
}
