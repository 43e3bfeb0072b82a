import { basename } from "node:path";
import {
  CodeActionKind,
  createConnection,
  DidChangeConfigurationNotification,
  DidChangeWatchedFilesNotification,
  type InitializeResult,
  ProposedFeatures,
  ResponseError,
  TextDocumentSyncKind,
  TextDocuments,
} from "vscode-languageserver/node";
import { TextDocument } from "vscode-languageserver-textdocument";
import { limitsOf } from "#core/limits.ts";
import { describe, ProblemError } from "#core/problem.ts";
import { MODEL_FILES } from "#protocol/modelFiles.ts";
import {
  type CostParams,
  commands,
  costRequest,
  type DiffParams,
  diffRequest,
  type ExportPlanParams,
  exportPlanRequest,
  factsRequest,
  type GuardParams,
  guardRequest,
  type ImportPlanParams,
  type InitializationOptions,
  importPlanRequest,
  type ListingParams,
  listingChanged,
  listingRequest,
  modelStatus,
  type RemovalCurveParams,
  type RetrainParams,
  removalCurveRequest,
  retrainRequest,
  type SaveParams,
  saveRequest,
  type UndoPruneParams,
  type UnitLinesParams,
  undoPruneRequest,
  unitLinesRequest,
} from "#protocol/requests.ts";
import { Pool } from "./compute/pool.ts";
import { computeScript } from "./compute/script.ts";
import { setLimits } from "./files/limits.ts";
import { codeActions, resolveCodeAction } from "./handlers/codeActions.ts";
import { executeCommand } from "./handlers/commands.ts";
import type { Context } from "./handlers/context.ts";
import { cost } from "./handlers/cost.ts";
import { curve, unitLines } from "./handlers/curve.ts";
import { publishDiagnostics } from "./handlers/diagnostics.ts";
import { diffModelFiles } from "./handlers/diff.ts";
import { FIX_ALL } from "./handlers/exactFixes.ts";
import { hover } from "./handlers/hover.ts";
import { exportPlan, importPlan } from "./handlers/plans.ts";
import { withinGuard } from "./handlers/pruneWithinGuard.ts";
import { retrain } from "./handlers/retrain.ts";
import { saved } from "./handlers/saved.ts";
import { documentSymbols, foldingRanges } from "./handlers/symbols.ts";
import { confirm } from "./lsp/confirm.ts";
import { guard } from "./lsp/guard.ts";
import { modelOf, pathOf } from "./lsp/listingUri.ts";
import { withProgress } from "./lsp/progress.ts";
import { readSettings } from "./lsp/settings.ts";
import { Curves } from "./workspace/curves.ts";
import { Guarding } from "./workspace/guarding.ts";
import type { Host } from "./workspace/host.ts";
import { CONFIG_NAME } from "./workspace/kaiboJson.ts";
import { listingOf, Models } from "./workspace/models.ts";
import { Prunes } from "./workspace/prunes.ts";
import { Retraining } from "./workspace/retraining.ts";
import { defaultStorage, openStorage } from "./workspace/storage.ts";

/** Wires the handlers to a connection (stdio or IPC, by the arguments); resolves when it is closed. */
export function startServer(): Promise<void> {
  const connection = createConnection(ProposedFeatures.all);
  const documents = new TextDocuments(TextDocument);
  let options: InitializationOptions = {};
  let canProgress = false;
  let canConfigure = false;
  let canWatch = false;
  let context: Context;
  let pool: Pool | undefined;

  connection.onInitialize((params): InitializeResult => {
    const { initializationOptions, capabilities, locale, workspaceFolders } = params;
    options = (initializationOptions ?? {}) as InitializationOptions;
    canProgress = capabilities.window?.workDoneProgress === true;
    canConfigure = capabilities.workspace?.configuration === true;
    canWatch = capabilities.workspace?.didChangeWatchedFiles?.dynamicRegistration === true;
    const relates = capabilities.textDocument?.publishDiagnostics?.relatedInformation === true;
    const language = options.locale ?? locale ?? "en";
    const processes = new Pool({ script: computeScript(), background: true });
    pool = processes;
    const host: Host = {
      locale: language,
      settings: async () => {
        const settings = await readSettings(connection, canConfigure);
        setLimits(limitsOf(settings.limits));
        processes.resize(settings.processes === 0 ? undefined : settings.processes);
        return settings;
      },
      changed: (model) => {
        void connection.sendNotification(listingChanged, { model });
        void publishAll(model);
      },
      failed: (model) => void publishAll(model),
      found: (model) => void publishAll(model),
      status: (status) => void connection.sendNotification(modelStatus, status),
      withProgress: (title, work) => withProgress(connection, canProgress, title, work, language),
      confirm: (question) => confirm(connection, options, question),
      log: (text) => connection.console.error(text),
    };
    const storage = openStorage(options.storage ?? defaultStorage());
    const folders = (workspaceFolders ?? []).flatMap(({ uri }) => pathOf(uri) ?? []);
    void guard(connection, "tidying", undefined, () => storage.originals.tidy(folders));
    const models = new Models(processes, storage, host);
    const prunes = new Prunes(models, processes, storage, host);
    const curves = new Curves({ models, pool: processes, storage, host });
    const guarding = new Guarding({ pool: processes, storage, host });
    const retraining = new Retraining({ models, prunes, pool: processes, host });
    context = {
      connection,
      documents,
      pool: processes,
      models,
      prunes,
      curves,
      guarding,
      retraining,
      relates,
      locale: language,
    };
    return {
      serverInfo: { name: "Kaibo" },
      capabilities: {
        textDocumentSync: { openClose: true, change: TextDocumentSyncKind.Incremental, save: true },
        hoverProvider: true,
        documentSymbolProvider: true,
        foldingRangeProvider: true,
        codeActionProvider: {
          codeActionKinds: [CodeActionKind.QuickFix, CodeActionKind.RefactorRewrite, FIX_ALL],
          resolveProvider: true,
        },
        executeCommandProvider: { commands: Object.values(commands) },
      },
    };
  });

  connection.onInitialized(() => {
    const { client } = connection;
    const watchers = [MODEL_FILES, `**/${CONFIG_NAME}`].map((globPattern) => ({ globPattern }));
    const register = async () => {
      if (canConfigure)
        await client.register(DidChangeConfigurationNotification.type, { section: "kaibo" });
      if (canWatch) await client.register(DidChangeWatchedFilesNotification.type, { watchers });
    };
    void guard(connection, "registration", undefined, register);
  });

  const publish = (uri: string) =>
    guard(connection, "diagnostics", undefined, () => publishDiagnostics(context, uri));
  const publishAll = (model: string) =>
    Promise.all(
      documents
        .all()
        .filter((d) => modelOf(d.uri, d.getText()) === model)
        .map((d) => publish(d.uri)),
    );
  documents.onDidChangeContent(({ document }) => void publish(document.uri));
  documents.onDidSave(
    ({ document }) => void guard(connection, "save", undefined, () => saved(context, document)),
  );
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
  connection.onCodeAction(({ textDocument, range, context: asked }) =>
    guard(connection, "code actions", [], () =>
      codeActions(context, textDocument.uri, range, asked),
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
    answer(() => context.prunes.save(params)),
  );
  connection.onRequest(undoPruneRequest, (params: UndoPruneParams) =>
    answer(async () => {
      await context.prunes.undo(params);
      return null;
    }),
  );
  connection.onRequest(factsRequest, ({ model }: ListingParams) =>
    answer(() => context.curves.facts(model)),
  );
  connection.onRequest(removalCurveRequest, (params: RemovalCurveParams, token) =>
    answer(() => curve(context, params, token)),
  );
  connection.onRequest(costRequest, (params: CostParams) => answer(() => cost(context, params)));
  connection.onRequest(retrainRequest, (params: RetrainParams, token) =>
    answer(() => retrain(context, params, token)),
  );
  connection.onRequest(guardRequest, (params: GuardParams, token) =>
    answer(() => withinGuard(context, params, token)),
  );
  connection.onRequest(unitLinesRequest, (params: UnitLinesParams) =>
    answer(() => unitLines(context, params)),
  );
  connection.onRequest(exportPlanRequest, (params: ExportPlanParams) =>
    answer(() => exportPlan(context, params)),
  );
  connection.onRequest(importPlanRequest, (params: ImportPlanParams) =>
    answer(() => importPlan(params)),
  );
  connection.onRequest(diffRequest, (params: DiffParams, token) =>
    answer(() => diffModelFiles(context, params, token)),
  );
  connection.onExecuteCommand(({ command, arguments: args }) =>
    answer(async () => {
      await executeCommand(context, command, args);
      return null;
    }),
  );

  connection.onDidChangeConfiguration(() => context.models.invalidate());
  connection.onDidChangeWatchedFiles(({ changes }) => {
    const paths = new Set(changes.map(({ uri }) => pathOf(uri)).filter((p) => p !== undefined));
    const all = [...paths].some((path) => basename(path) === CONFIG_NAME);
    for (const path of all ? [undefined] : paths) context.models.invalidate(path);
  });

  process.once("exit", () => pool?.dispose());
  process.once("disconnect", () => process.exit(1));
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
