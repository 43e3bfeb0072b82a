import { fileURLToPath } from "node:url";
import {
  CodeActionKind,
  createConnection,
  DidChangeConfigurationNotification,
  type InitializeResult,
  ProposedFeatures,
  ResponseError,
  TextDocumentSyncKind,
  TextDocuments,
} from "vscode-languageserver/node";
import { TextDocument } from "vscode-languageserver-textdocument";
import { describe, ProblemError } from "#core/problem.ts";
import {
  commands,
  type InitializationOptions,
  type ListingParams,
  listingChanged,
  listingRequest,
  modelStatus,
  type SaveParams,
  saveRequest,
  type UndoPruneParams,
  undoPruneRequest,
} from "#protocol/requests.ts";
import { Pool } from "./compute/pool.ts";
import { computeScript } from "./compute/script.ts";
import { codeActions, resolveCodeAction } from "./handlers/codeActions.ts";
import type { Context } from "./handlers/context.ts";
import { publishDiagnostics } from "./handlers/diagnostics.ts";
import { hover } from "./handlers/hover.ts";
import { documentSymbols, foldingRanges } from "./handlers/symbols.ts";
import { guard } from "./lsp/guard.ts";
import { modelOf } from "./lsp/listingUri.ts";
import { withProgress } from "./lsp/progress.ts";
import { readSettings } from "./lsp/settings.ts";
import { CONFIG_NAME } from "./workspace/kaiboJson.ts";
import { listingOf, Models } from "./workspace/models.ts";
import { defaultStorage, openStorage } from "./workspace/storage.ts";

/** Wires the handlers to a connection (stdio or IPC, by the arguments); resolves when it is closed. */
export function startServer(): Promise<void> {
  const connection = createConnection(ProposedFeatures.all);
  const documents = new TextDocuments(TextDocument);
  let options: InitializationOptions = {};
  let canProgress = false;
  let canConfigure = false;
  let context: Context;
  let pool: Pool;

  connection.onInitialize(({ initializationOptions, capabilities, locale }): InitializeResult => {
    options = (initializationOptions ?? {}) as InitializationOptions;
    canProgress = capabilities.window?.workDoneProgress === true;
    canConfigure = capabilities.workspace?.configuration === true;
    const language = options.locale ?? locale ?? "en";
    pool = new Pool({ script: computeScript() });
    const models = new Models(pool, openStorage(options.storage ?? defaultStorage()), {
      locale: language,
      settings: () => readSettings(connection, canConfigure),
      changed: (model) => {
        void connection.sendNotification(listingChanged, { model });
        void publishAll(model);
      },
      status: (status) => void connection.sendNotification(modelStatus, status),
      withProgress: (title, work) => withProgress(connection, canProgress, title, work),
      log: (text) => connection.console.error(text),
    });
    context = { connection, documents, models, locale: language };
    return {
      serverInfo: { name: "Kaibo" },
      capabilities: {
        textDocumentSync: { openClose: true, change: TextDocumentSyncKind.Incremental, save: true },
        hoverProvider: true,
        documentSymbolProvider: true,
        foldingRangeProvider: true,
        codeActionProvider: {
          codeActionKinds: [CodeActionKind.QuickFix, CodeActionKind.RefactorRewrite],
          resolveProvider: true,
        },
        executeCommandProvider: { commands: Object.values(commands) },
      },
    };
  });

  connection.onInitialized(() => {
    if (canConfigure)
      void connection.client.register(DidChangeConfigurationNotification.type, {
        section: "kaibo",
      });
  });

  const publish = (uri: string) =>
    guard(connection, "diagnostics", undefined, () => publishDiagnostics(context, uri));
  const publishAll = async (model: string) => {
    for (const d of documents.all())
      if (modelOf(d.uri, d.getText()) === model) await publish(d.uri);
  };
  documents.onDidChangeContent(({ document }) => void publish(document.uri));
  documents.onDidClose(
    ({ document }) => void connection.sendDiagnostics({ uri: document.uri, diagnostics: [] }),
  );

  connection.onHover(({ textDocument, position }) =>
    guard(
      connection,
      "hover",
      null,
      async () => (await hover(context, textDocument.uri, position)) ?? null,
    ),
  );
  connection.onCodeAction(({ textDocument, range, context: { diagnostics } }) =>
    guard(connection, "code actions", [], () =>
      codeActions(context, textDocument.uri, range, diagnostics),
    ),
  );
  connection.onCodeActionResolve((action) =>
    guard(connection, "code action", action, () => resolveCodeAction(context, action)),
  );
  connection.onDocumentSymbol(({ textDocument }) =>
    guard(connection, "symbols", [], async () => documentSymbols(context, textDocument.uri)),
  );
  connection.onFoldingRanges(({ textDocument }) =>
    guard(connection, "folding", [], async () => foldingRanges(context, textDocument.uri)),
  );

  connection.onRequest(listingRequest, ({ model }: ListingParams) =>
    answer(async () => listingOf(await context.models.get(model))),
  );
  connection.onRequest(saveRequest, (params: SaveParams) =>
    answer(() => context.models.save(params)),
  );
  connection.onRequest(undoPruneRequest, (params: UndoPruneParams) =>
    answer(async () => {
      await context.models.undo(params);
      return null;
    }),
  );
  connection.onExecuteCommand(({ command, arguments: args }) =>
    answer(async () => {
      if (command !== commands.computeImportance) throw new Error(`unknown command ${command}`);
      await context.models.recompute(String(args?.[0]));
      return null;
    }),
  );

  connection.onDidChangeConfiguration(() => context.models.invalidate());
  connection.onDidChangeWatchedFiles(({ changes }) => {
    for (const { uri } of changes) {
      const path = fileURLToPath(uri);
      context.models.invalidate(path.endsWith(CONFIG_NAME) ? undefined : path);
    }
  });

  const closed = new Promise<void>((resolve) => {
    connection.onShutdown(() => pool?.dispose());
    connection.onExit(() => resolve());
  });
  documents.listen(connection);
  connection.listen();
  return closed;
}

/** Requests whose failure people see: the message is theirs. */
async function answer<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const text = error instanceof ProblemError ? describe(error.problem) : (error as Error).message;
    throw new ResponseError(REQUEST_FAILED, text);
  }
}

/** LSP's RequestFailed. */
const REQUEST_FAILED = -32803;
