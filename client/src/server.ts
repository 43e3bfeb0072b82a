/** The language server as the rest of the client sees it; starting it delays no one's activation. */
import * as vscode from "vscode";
import type {
  CostAnswer,
  CostParams,
  costRequest,
  DiffAnswer,
  DiffParams,
  diffRequest,
  ExportedPlan,
  ExportPlanParams,
  exportPlanRequest,
  factsRequest,
  GuardAnswer,
  GuardParams,
  guardRequest,
  ImportedPlan,
  ImportPlanParams,
  importPlanRequest,
  Listing,
  ListingChangedParams,
  ListingParams,
  listingChanged,
  listingRequest,
  ModelFacts,
  ModelStatusParams,
  modelStatus,
  RemovalCurveAnswer,
  RemovalCurveParams,
  Retrained,
  RetrainParams,
  removalCurveRequest,
  retrainRequest,
  SaveParams,
  SaveResult,
  saveRequest,
  UndoPruneParams,
  UnitLines,
  UnitLinesParams,
  undoPruneRequest,
  unitLinesRequest,
} from "#protocol/requests.ts";
import { later } from "./later.ts";
import { quietProgress } from "./quietProgress.ts";

export interface Server {
  request<M extends keyof Requests>(
    method: M,
    params: Requests[M]["params"],
  ): Promise<Requests[M]["result"]>;
  /** A request that takes its time: its progress is told here and shown nowhere else. */
  follow<M extends keyof Requests>(
    method: M,
    params: Requests[M]["params"],
    progress: (progress: Progress) => void,
  ): Followed<Requests[M]["result"]>;
  /** Runs one of the server's commands; it shows its own progress. */
  execute(command: string, ...args: readonly unknown[]): Promise<void>;
  on<M extends keyof Notifications>(
    method: M,
    listener: (params: Notifications[M]) => void,
  ): vscode.Disposable;
  /**
   * Addresses of listings whose diagnostics are held back: a save has made the model smaller, the editor
   * still shows the old text, and the server would find fault with each of its lines.
   */
  readonly heldBack: Set<string>;
  /** Cancels what the server shows progress of. */
  cancel(): Promise<void>;
  stop(): Promise<void>;
}

export interface Progress {
  /** Of the work that is done, 0 to 1. */
  readonly share: number;
  readonly detail: string;
}

export interface Followed<T> {
  readonly answer: Promise<T>;
  cancel(): void;
  /** By `cancel`, or with all that was running. */
  isCancelled(): boolean;
}

interface Requests {
  [listingRequest]: { params: ListingParams; result: Listing };
  [saveRequest]: { params: SaveParams; result: SaveResult };
  [undoPruneRequest]: { params: UndoPruneParams; result: null };
  [factsRequest]: { params: ListingParams; result: ModelFacts };
  [removalCurveRequest]: { params: RemovalCurveParams; result: RemovalCurveAnswer | null };
  [retrainRequest]: { params: RetrainParams; result: Retrained | null };
  [guardRequest]: { params: GuardParams; result: GuardAnswer };
  [unitLinesRequest]: { params: UnitLinesParams; result: UnitLines };
  [costRequest]: { params: CostParams; result: CostAnswer };
  [exportPlanRequest]: { params: ExportPlanParams; result: ExportedPlan };
  [diffRequest]: { params: DiffParams; result: DiffAnswer };
  [importPlanRequest]: { params: ImportPlanParams; result: ImportedPlan };
}

type Listener = (params: unknown) => void;

interface Notifications {
  [listingChanged]: ListingChangedParams;
  [modelStatus]: ModelStatusParams;
}

export function connect(context: vscode.ExtensionContext, log: vscode.LogOutputChannel): Server {
  const progress = quietProgress();
  const heldBack = new Set<string>();
  const listeners = new Map<string, Set<Listener>>();
  const following = new Set<vscode.CancellationTokenSource>();
  const client = later(async () => {
    const { createLanguageClient } = await import("./languageClient.ts");
    return createLanguageClient({ context, log, progress, heldBack });
  });
  // Every request fails with the same reason, which its asker shows; here it is only written down.
  const started = client.then((it) => it.start());
  started.catch((error: unknown) => log.error("the language server did not start", error));
  return {
    request: async (method, params) => (await client).sendRequest(method, params),
    execute: async (command, ...args) => {
      await (await client).sendRequest("workspace/executeCommand", { command, arguments: args });
    },
    follow: (method, params, progress) => {
      const source = new vscode.CancellationTokenSource();
      following.add(source);
      const answer = client
        .then(async (it) =>
          (await import("./followed.ts")).followed(it, method, params, progress, source.token),
        )
        .finally(() => following.delete(source)) as Promise<never>;
      const isCancelled = () => source.token.isCancellationRequested;
      return { answer, cancel: () => source.cancel(), isCancelled };
    },
    on: (method, listener) => {
      const known = listeners.get(method) ?? new Set<Listener>();
      known.add(listener as Listener);
      if (!listeners.has(method)) {
        listeners.set(method, known);
        // The language client keeps one listener for each method.
        const tell: Listener = (params) => {
          for (const each of known) each(params);
        };
        void client.then((it) => it.onNotification(method, tell));
      }
      return new vscode.Disposable(() => known.delete(listener as Listener));
    },
    heldBack,
    cancel: async () => {
      for (const source of following) source.cancel();
      const it = await client;
      for (const token of progress.running)
        await it.sendNotification("window/workDoneProgress/cancel", { token });
    },
    stop: async () => (await client).stop(),
  };
}
