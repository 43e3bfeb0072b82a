/** What every panel shares: one for each model, a page without foreign code, a life beyond a restart. */
import { randomUUID } from "node:crypto";
import * as path from "node:path";
import * as vscode from "vscode";
import { page } from "#protocol/panels/page.ts";
import type { Port } from "#protocol/rpc.ts";

export interface PanelKind {
  /** The view type; in package.json an `onWebviewPanel` of this name wakes the extension. */
  readonly type: string;
  /** Its script in dist/webview. */
  readonly script: string;
  title(model: string): string;
  /** Wires a panel that has just been made. */
  attach(port: Port, model: string, argument?: string): Attached;
}

export interface Attached extends vscode.Disposable {
  /** The panel was asked for again; a page that is not visible opens anew. */
  again(argument: string | undefined, visible: boolean): void;
}

export interface Panels extends vscode.Disposable {
  /** Shows the panel of a model; makes one where there is none. */
  show(model: string, argument?: string): void;
}

export function registerPanels(extension: vscode.Uri, kind: PanelKind): Panels {
  const open = new Map<string, { panel: vscode.WebviewPanel; attached: Attached }>();
  const folder = vscode.Uri.joinPath(extension, "dist/webview");
  const icon = (theme: string) =>
    vscode.Uri.joinPath(extension, `docs/images/icon-listing-${theme}.svg`);
  const options = { enableScripts: true, localResourceRoots: [folder] };

  function fill(panel: vscode.WebviewPanel, model: string, argument?: string): void {
    const { webview } = panel;
    webview.options = options;
    panel.iconPath = { light: icon("light"), dark: icon("dark") };
    const listeners: vscode.Disposable[] = [];
    const port: Port = {
      post: (message) => void webview.postMessage(message),
      listen: (hear) => listeners.push(webview.onDidReceiveMessage(hear)),
    };
    const attached = kind.attach(port, model, argument);
    open.set(model, { panel, attached });
    panel.onDidDispose(() => {
      vscode.Disposable.from(...listeners, attached).dispose();
      open.delete(model);
    });
    const at = (name: string) => webview.asWebviewUri(vscode.Uri.joinPath(folder, name)).toString();
    webview.html = page({
      source: webview.cspSource,
      script: at(`${kind.script}.js`),
      style: at("theme.css"),
      nonce: randomUUID(),
      language: vscode.env.language,
      title: panel.title,
    });
  }

  const restoring = vscode.window.registerWebviewPanelSerializer(kind.type, {
    async deserializeWebviewPanel(panel, memory: unknown) {
      const model = modelOf(memory);
      // It was closed before it had shown anything, or there is one already.
      if (model === undefined || open.has(model)) panel.dispose();
      else fill(panel, model);
    },
  });

  return {
    show(model, argument) {
      const known = open.get(model);
      if (known !== undefined) {
        known.attached.again(argument, known.panel.visible);
        known.panel.reveal();
        return;
      }
      const title = kind.title(path.basename(model));
      const column = vscode.ViewColumn.Beside;
      fill(vscode.window.createWebviewPanel(kind.type, title, column, options), model, argument);
    },
    // The panels stay: they are there again when the editor has restarted.
    dispose: () => restoring.dispose(),
  };
}

/** What a page keeps of itself names its model. */
function modelOf(memory: unknown): string | undefined {
  const model = (memory as { model?: unknown } | undefined)?.model;
  return typeof model === "string" ? model : undefined;
}
