/** The language server as the rest of the client sees it; starting it delays no one's activation. */
import type * as vscode from "vscode";
import type {
  Listing,
  ListingChangedParams,
  ListingParams,
  listingChanged,
  listingRequest,
  ModelStatusParams,
  modelStatus,
  SaveParams,
  SaveResult,
  saveRequest,
  UndoPruneParams,
  undoPruneRequest,
} from "#protocol/requests.ts";
import { later } from "./later.ts";
import { quietProgress } from "./quietProgress.ts";

export interface Server {
  request<M extends keyof Requests>(
    method: M,
    params: Requests[M]["params"],
  ): Promise<Requests[M]["result"]>;
  /** Runs one of the server's commands; it shows its own progress. */
  execute(command: string, ...args: readonly unknown[]): Promise<void>;
  on<M extends keyof Notifications>(method: M, listener: (params: Notifications[M]) => void): void;
  /**
   * Addresses of listings whose diagnostics are held back: a save has made the model smaller, the editor
   * still shows the old text, and the server would find fault with each of its lines.
   */
  readonly heldBack: Set<string>;
  /** Cancels what the server shows progress of. */
  cancel(): Promise<void>;
  stop(): Promise<void>;
}

interface Requests {
  [listingRequest]: { params: ListingParams; result: Listing };
  [saveRequest]: { params: SaveParams; result: SaveResult };
  [undoPruneRequest]: { params: UndoPruneParams; result: null };
}

interface Notifications {
  [listingChanged]: ListingChangedParams;
  [modelStatus]: ModelStatusParams;
}

export function connect(context: vscode.ExtensionContext, log: vscode.LogOutputChannel): Server {
  const progress = quietProgress();
  const heldBack = new Set<string>();
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
    on: (method, listener) => void client.then((it) => it.onNotification(method, listener)),
    heldBack,
    cancel: async () => {
      const it = await client;
      for (const token of progress.running)
        await it.sendNotification("window/workDoneProgress/cancel", { token });
    },
    stop: async () => (await client).stop(),
  };
}
