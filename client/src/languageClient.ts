import * as vscode from "vscode";
import { LanguageClient, RevealOutputChannelOn, TransportKind } from "vscode-languageclient/node";
import { MODEL_FILES } from "#protocol/modelFiles.ts";
import {
  commands,
  confirmRequest,
  type InitializationOptions,
  LISTING_LANGUAGE,
  LISTING_SCHEME,
} from "#protocol/requests.ts";
import { confirm } from "./confirm.ts";
import type { QuietProgress } from "./quietProgress.ts";
import { executedIfTrusted, offeredIfTrusted, savedIfTrusted } from "./trust.ts";

/** Listings of models, as files and not yet saved; no versions of the past (`git:`, a diff's left side). */
const listingSchemes = [LISTING_SCHEME, "file", "untitled"];

interface Given {
  readonly context: vscode.ExtensionContext;
  readonly log: vscode.LogOutputChannel;
  readonly progress: QuietProgress;
  readonly heldBack: ReadonlySet<string>;
}

export function createLanguageClient({ context, log, progress, heldBack }: Given): LanguageClient {
  const initializationOptions: InitializationOptions = {
    storage: context.globalStorageUri.fsPath,
    locale: vscode.env.language,
    confirms: true,
  };
  const watched = [MODEL_FILES, "**/kaibo.json"].map((glob) =>
    vscode.workspace.createFileSystemWatcher(glob),
  );
  context.subscriptions.push(...watched);
  const client = new LanguageClient(
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
      middleware: {
        handleWorkDoneProgress: progress.handle,
        didSave: savedIfTrusted,
        executeCommand: (command, args, next) =>
          // What the server says of it to any editor, this one has its own progress for.
          command === commands.pruneWithinGuard
            ? vscode.commands.executeCommand("kaibo.pruneWithinGuard", ...args)
            : executedIfTrusted(command, args, next),
        provideCodeActions: (document, range, context, token, next) =>
          offeredIfTrusted(next(document, range, context, token)),
        handleDiagnostics: (uri, diagnostics, next) => {
          if (!heldBack.has(uri.toString())) next(uri, diagnostics);
        },
      },
      outputChannel: log,
      // A failed hover is a line in the log, not a pop-up.
      revealOutputChannelOn: RevealOutputChannelOn.Never,
    },
  );
  client.onRequest<boolean, Error>(confirmRequest, confirm);
  return client;
}
