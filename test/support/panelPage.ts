/** A panel's page in headless Chromium, as VS Code shows it: the same markup, policy and messages. */
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildSync } from "esbuild";
import { type BrowserContext, chromium, type Page } from "playwright-core";
import { page as markup } from "#protocol/panels/page.ts";
import { type Calls, connectRpc, type Handlers, type Remote } from "#protocol/rpc.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** Of scripts/codeServer.mjs, which has no types. */
interface Browsers {
  readonly chromiumFlags: readonly string[];
  ensureChromium(): Promise<string>;
}

export interface PanelPage<C extends Calls<C>> {
  readonly page: Page;
  /** What the page answers. */
  readonly remote: Remote<C>;
  /** What the page kept of itself. */
  memory(): Promise<unknown>;
  /** What the page complained of: scripts that failed, what its policy refused. */
  readonly complaints: readonly string[];
}

/** A browser for a suite; its pages share nothing. */
export class PanelBrowser {
  readonly #profile = mkdtempSync(join(tmpdir(), "kaibo-panel-"));
  #context: BrowserContext | undefined;

  async start(): Promise<void> {
    const { chromiumFlags, ensureChromium }: Browsers = await import(
      `${root}scripts/codeServer.mjs`
    );
    this.#context = await chromium.launchPersistentContext(this.#profile, {
      executablePath: await ensureChromium(),
      args: [...chromiumFlags],
      viewport: { width: 900, height: 1000 },
    });
  }

  async stop(): Promise<void> {
    await this.#context?.close();
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 10 });
  }

  /** Opens a panel whose client is `client`; waits until its script is done. */
  async open<Mine extends Calls<Mine>, Theirs extends Calls<Theirs>>(
    script: string,
    client: Handlers<Mine>,
    { theme = "dark", memory = null as unknown } = {},
  ): Promise<PanelPage<Theirs>> {
    const page = await this.#context!.newPage();
    const complaints: string[] = [];
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("console", (said) => {
      if (said.type() === "error" || said.type() === "warning") complaints.push(said.text());
    });
    const address = await serve(script);
    let hear: (message: unknown) => void = () => undefined;
    await page.exposeFunction("postToClient", (message: unknown) => hear(message));
    const given = { memory, theme, variables: THEMES[theme as "dark"] };
    await page.addInitScript(`(${VSCODE})(${JSON.stringify(given)})`);
    const remote = connectRpc<Mine, Theirs>(
      {
        post: (message) => void page.evaluate((it) => window.postMessage(it), message),
        listen: (heard) => {
          hear = heard;
        },
      },
      client,
    );
    await page.goto(address);
    await page.waitForSelector('body[data-ready="1"]', { timeout: 10_000 }).catch((error) => {
      throw new Error([...complaints, error].join("\n"));
    });
    const kept = () => page.evaluate(() => (window as unknown as { memory: unknown }).memory);
    return { page, remote, memory: kept, complaints };
  }
}

/** Runs in the page, before its script: what VS Code gives to every webview. */
const VSCODE = `(given) => {
  window.memory = given.memory;
  window.acquireVsCodeApi = () => ({
    postMessage: (message) => window.postToClient(message),
    getState: () => window.memory ?? undefined,
    setState: (memory) => { window.memory = memory; },
  });
  document.addEventListener("DOMContentLoaded", () => {
    document.body.classList.add("vscode-" + given.theme);
    for (const [name, value] of Object.entries(given.variables))
      document.documentElement.style.setProperty("--vscode-" + name, value);
  });
}`;

const servers: { close(): void }[] = [];
process.once("exit", () => {
  for (const server of servers) server.close();
});

/** The panel's files from an address of their own, made from the sources as they are now. */
async function serve(script: string): Promise<string> {
  const { outputFiles } = buildSync({
    absWorkingDir: root,
    entryPoints: { script: `webview/src/panels/${script}/main.ts`, theme: "webview/src/theme.css" },
    outdir: "out",
    bundle: true,
    platform: "browser",
    format: "iife",
    target: "chrome120",
    write: false,
    logLevel: "error",
  });
  const body = (ending: string) => outputFiles.find(({ path }) => path.endsWith(ending))!.text;
  const server = createServer((request, response) => {
    const source = `http://${request.headers.host}`;
    const files: Record<string, readonly [type: string, body: () => string]> = {
      "/script.js": ["text/javascript", () => body(".js")],
      "/theme.css": ["text/css", () => body(".css")],
      "/": [
        "text/html",
        () =>
          markup({
            source,
            script: `${source}/script.js`,
            style: `${source}/theme.css`,
            nonce: "only-this-page",
            language: "en",
            title: "Panel",
          }),
      ],
    };
    const [type, text] = files[request.url ?? ""] ?? ["text/plain", () => ""];
    response.setHeader("content-type", `${type}; charset=utf-8`).end(text());
  });
  server.listen(0, "127.0.0.1").unref();
  await once(server, "listening");
  servers.push(server);
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

/** What axe-core finds wrong with the page, one line each. */
export async function axeViolations(page: Page): Promise<readonly string[]> {
  await page.evaluate(readFileSync(join(root, "node_modules/axe-core/axe.min.js"), "utf8"));
  return page.evaluate(async () => {
    const { axe } = window as unknown as { axe: { run(): Promise<AxeResults> } };
    const { violations } = await axe.run();
    return violations.map(
      ({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(" | ")}`,
    );
  });
}

interface AxeResults {
  readonly violations: readonly {
    readonly id: string;
    readonly nodes: readonly { readonly html: string }[];
  }[];
}

/** The colours of VS Code's modern themes that panels use. */
const COMMON = {
  "font-family": "system-ui, sans-serif",
  "font-size": "13px",
  "font-weight": "normal",
  "button-foreground": "#ffffff",
  focusBorder: "#0078d4",
};
const THEMES = {
  dark: {
    ...COMMON,
    foreground: "#cccccc",
    descriptionForeground: "#9d9d9d",
    "editor-background": "#1f1f1f",
    "button-background": "#0e70c0",
    "button-secondaryBackground": "#313131",
    "button-secondaryForeground": "#cccccc",
    "dropdown-background": "#313131",
    "dropdown-foreground": "#cccccc",
    "checkbox-background": "#313131",
    "checkbox-foreground": "#cccccc",
    "settings-dropdownBackground": "#313131",
    "textBlockQuote-background": "#2b2b2b",
    "editorInfo-foreground": "#3794ff",
  },
  light: {
    ...COMMON,
    foreground: "#3b3b3b",
    descriptionForeground: "#3b3b3b",
    "editor-background": "#ffffff",
    "button-background": "#005fb8",
    "button-secondaryBackground": "#e5e5e5",
    "button-secondaryForeground": "#3b3b3b",
    "dropdown-background": "#ffffff",
    "dropdown-foreground": "#3b3b3b",
    "checkbox-background": "#f8f8f8",
    "checkbox-foreground": "#3b3b3b",
    "textBlockQuote-background": "#f8f8f8",
    "editorInfo-foreground": "#1a85ff",
  },
};
