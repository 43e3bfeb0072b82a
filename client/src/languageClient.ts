import * as vscode from "vscode";
import { LanguageClient, RevealOutputChannelOn, TransportKind } from "vscode-languageclient/node";
import {
  type InitializationOptions,
  LISTING_LANGUAGE,
  LISTING_SCHEME,
} from "#protocol/requests.ts";
import type { QuietProgress } from "./quietProgress.ts";
import { savedIfTrusted } from "./trust.ts";

/** Listings of models, as files and not yet saved; no versions of the past (`git:`, a diff's left side). */
const listingSchemes = [LISTING_SCHEME, "file", "untitled"];

export function createLanguageClient(
  context: vscode.ExtensionContext,
  log: vscode.LogOutputChannel,
  progress: QuietProgress,
): LanguageClient {
  const initializationOptions: InitializationOptions = {
    storage: context.globalStorageUri.fsPath,
    locale: vscode.env.language,
  };
  const watched = ["**/*.onnx", "**/kaibo.json"].map((glob) =>
    vscode.workspace.createFileSystemWatcher(glob),
  );
  context.subscriptions.push(...watched);
  return new LanguageClient(
    "kaibo",
    "Kaibo",
    {
      module: context.asAbsolutePath("dist/server.cjs"),
      transport: TransportKind.ipc,
    },
    {
      documentSelector: [
        ...listingSchemes.map((scheme) => ({ scheme, language: LISTING_LANGUAGE })),
        { scheme: "file", pattern: "**/kaibo.json" },
      ],
      synchronize: { fileEvents: watched },
      initializationOptions,
      middleware: { handleWorkDoneProgress: progress.handle, didSave: savedIfTrusted },
      outputChannel: log,
      // A failed hover is a line in the log, not a pop-up.
      revealOutputChannelOn: RevealOutputChannelOn.Never,
    },
  );
}
