import { type ChildProcess, execFileSync, fork, spawn } from "node:child_process";
import {
  createMessageConnection,
  IPCMessageReader,
  IPCMessageWriter,
  type MessageConnection,
  StreamMessageReader,
  StreamMessageWriter,
} from "vscode-jsonrpc/node";
import type {
  CodeAction,
  Diagnostic,
  Hover,
  PublishDiagnosticsParams,
  Range,
  TextEdit,
} from "vscode-languageserver-protocol";
import {
  type ConfirmParams,
  confirmRequest,
  type Listing,
  listingRequest,
  type ModelStatusParams,
  modelStatus,
  type SaveResult,
  saveRequest,
} from "#protocol/requests.ts";
import { bundle } from "./bundles.ts";
import { ended } from "./processes.ts";

export interface ServerOptions {
  readonly storage: string;
  readonly transport?: "ipc" | "stdio";
  /** What the editor answers to workspace/configuration; absent: it has no settings. */
  readonly settings?: unknown;
  readonly locale?: string;
  /** Whether the editor shows progress. */
  readonly progress?: boolean;
}

/** Something the server said by itself. */
interface Said {
  readonly method: string;
  readonly params: unknown;
}

/** A language server in its own process, and the editor's side of the conversation. */
export class TestServer {
  readonly process: ChildProcess;
  readonly connection: MessageConnection;
  readonly said: Said[] = [];
  /** Edits that the server asked the editor to apply. */
  readonly edits: Record<string, readonly TextEdit[]>[] = [];
  /** What the server asked before writing, and what the user answers. */
  readonly asked: ConfirmParams[] = [];
  agrees = true;
  settings: unknown;
  readonly exit: Promise<number | null>;
  #version = 0;
  #waiting: (() => void)[] = [];

  private constructor({ transport = "ipc", settings, progress = true }: ServerOptions) {
    this.settings = settings;
    if (transport === "ipc") {
      this.process = fork(bundle("server"), ["--node-ipc"], { execArgv: [], stdio: QUIET });
      this.connection = createMessageConnection(
        new IPCMessageReader(this.process),
        new IPCMessageWriter(this.process),
      );
    } else {
      const child = spawn(process.execPath, [bundle("cli"), "serve", "--stdio"]);
      this.process = child;
      this.connection = createMessageConnection(
        new StreamMessageReader(child.stdout),
        new StreamMessageWriter(child.stdin),
      );
    }
    this.exit = new Promise((resolve) => this.process.once("exit", (code) => resolve(code)));
    void this.exit.then(() => this.#wake());
    this.#answer(progress);
  }

  static async start(options: ServerOptions): Promise<TestServer> {
    const server = new TestServer(options);
    const { storage, locale, settings, progress = true } = options;
    await server.request("initialize", {
      processId: process.pid,
      rootUri: null,
      capabilities: {
        textDocument: { publishDiagnostics: { relatedInformation: true } },
        window: { workDoneProgress: progress },
        workspace: { configuration: settings !== undefined, applyEdit: true },
      },
      initializationOptions: {
        storage,
        confirms: true,
        ...(locale === undefined ? {} : { locale }),
      },
    });
    await server.notify("initialized", {});
    return server;
  }

  request<T>(method: string, params?: unknown): Promise<T> {
    return this.connection.sendRequest<T>(method, params);
  }

  notify(method: string, params: unknown): Promise<void> {
    return this.connection.sendNotification(method, params);
  }

  /** A place in what was said: what comes after it is new. */
  get now(): number {
    return this.said.length;
  }

  /** What the server says after a place that fits; waits for it. */
  async next<T>(method: string, fits: (params: T) => boolean = () => true, since = 0): Promise<T> {
    for (let at = since; ; at++) {
      while (at >= this.said.length) {
        if (this.#hasEnded()) throw new Error(`the server ended before it said ${method}`);
        await new Promise<void>((resolve) => this.#waiting.push(resolve));
      }
      const one = this.said[at]!;
      if (one.method === method && fits(one.params as T)) return one.params as T;
    }
  }

  status(state: ModelStatusParams["state"], since = 0): Promise<ModelStatusParams> {
    return this.next<ModelStatusParams>(modelStatus, (s) => s.state === state, since);
  }

  /** The states that were reported after a place. */
  states(since = 0): string[] {
    return this.said
      .slice(since)
      .filter(({ method }) => method === modelStatus)
      .map(({ params }) => (params as ModelStatusParams).state);
  }

  listing(model: string): Promise<Listing> {
    return this.request(listingRequest, { model });
  }

  /** The listing when its results are there; the document is open with it. */
  async openReady({ model, uri }: { model: string; uri: string }): Promise<Listing> {
    await this.listing(model);
    await this.next<ModelStatusParams>(
      modelStatus,
      (s) => s.model === model && s.state === "ready",
    );
    const listing = await this.listing(model);
    await this.open(uri, listing.text);
    return listing;
  }

  /** Opens a document; resolves with its diagnostics. */
  open(uri: string, text: string): Promise<Diagnostic[]> {
    const textDocument = { uri, languageId: "kaibo-listing", version: ++this.#version, text };
    return this.#diagnosed(uri, "textDocument/didOpen", { textDocument });
  }

  /** Replaces a document's text; resolves with its diagnostics. */
  change(uri: string, text: string): Promise<Diagnostic[]> {
    const textDocument = { uri, version: ++this.#version };
    const contentChanges = [{ text }];
    return this.#diagnosed(uri, "textDocument/didChange", { textDocument, contentChanges });
  }

  async #diagnosed(uri: string, method: string, params: unknown): Promise<Diagnostic[]> {
    const since = this.now;
    const version = this.#version;
    await this.notify(method, params);
    return this.diagnostics(uri, (_, v) => v === version, since);
  }

  async diagnostics(
    uri: string,
    fits: (diagnostics: Diagnostic[], version: number | undefined) => boolean = () => true,
    since = 0,
  ): Promise<Diagnostic[]> {
    const { diagnostics } = await this.next<PublishDiagnosticsParams>(
      "textDocument/publishDiagnostics",
      (p) => p.uri === uri && fits(p.diagnostics, p.version),
      since,
    );
    return diagnostics;
  }

  hover(uri: string, line: number, character = 3): Promise<Hover | null> {
    return this.request("textDocument/hover", {
      textDocument: { uri },
      position: { line, character },
    });
  }

  actions(
    uri: string,
    lines: number | readonly [number, number],
    context: { diagnostics?: readonly Diagnostic[]; only?: readonly string[] } = {},
  ): Promise<CodeAction[]> {
    const [from, to] = typeof lines === "number" ? [lines, lines] : lines;
    const range: Range = { start: { line: from, character: 0 }, end: { line: to, character: 1 } };
    const asked = { diagnostics: [], ...context };
    return this.request("textDocument/codeAction", {
      textDocument: { uri },
      range,
      context: asked,
    });
  }

  async resolve(action: CodeAction, uri: string): Promise<TextEdit[]> {
    const resolved = await this.request<CodeAction>("codeAction/resolve", action);
    return resolved.edit?.changes?.[uri] ?? [];
  }

  save(model: string, text: string, revision: string): Promise<SaveResult> {
    return this.request(saveRequest, { model, text, revision });
  }

  compute(model: string): Promise<null> {
    const command = "kaibo.server.computeImportance";
    return this.request("workspace/executeCommand", { command, arguments: [model] });
  }

  watched(...uris: readonly string[]): Promise<void> {
    const changes = uris.map((uri) => ({ uri, type: 2 }));
    return this.notify("workspace/didChangeWatchedFiles", { changes });
  }

  configure(settings: unknown): Promise<void> {
    this.settings = settings;
    return this.notify("workspace/didChangeConfiguration", { settings: null });
  }

  /** Process ids of the compute processes. */
  children(): number[] {
    const { pid } = this.process;
    const table = execFileSync("ps", ["-A", "-o", "pid=,ppid="], { encoding: "utf8" });
    return table
      .trim()
      .split("\n")
      .map((line) => line.trim().split(/\s+/).map(Number))
      .filter(([, parent]) => parent === pid)
      .map(([child]) => child!);
  }

  /** Ends the server as editors do; nothing of it is left. */
  async stop(): Promise<number | null> {
    if (this.#hasEnded()) return this.exit;
    const children = this.children();
    await this.request("shutdown");
    await this.notify("exit", undefined);
    const code = await this.exit;
    this.connection.dispose();
    await ended(children);
    return code;
  }

  #answer(progress: boolean): void {
    const { connection } = this;
    connection.onNotification((method, params) => this.#hear(method, params));
    connection.onUnhandledProgress((params) => this.#hear("$/progress", params));
    connection.onRequest("workspace/configuration", ({ items }: { items: unknown[] }) =>
      items.map(() => this.settings),
    );
    connection.onRequest(confirmRequest, (question: ConfirmParams) => {
      this.asked.push(question);
      return this.agrees;
    });
    connection.onRequest("client/registerCapability", () => null);
    connection.onRequest("workspace/applyEdit", ({ edit }: { edit: ApplyEdit }) => {
      this.edits.push(edit.changes);
      this.#hear("workspace/applyEdit", edit);
      return { applied: true };
    });
    if (progress) connection.onRequest("window/workDoneProgress/create", () => null);
    connection.listen();
  }

  #hear(method: string, params: unknown): void {
    this.said.push({ method, params });
    this.#wake();
  }

  #hasEnded(): boolean {
    return this.process.exitCode !== null || this.process.signalCode !== null;
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}

interface ApplyEdit {
  readonly changes: Record<string, readonly TextEdit[]>;
}

const QUIET: ["ignore", "pipe", "inherit", "ipc"] = ["ignore", "pipe", "inherit", "ipc"];
