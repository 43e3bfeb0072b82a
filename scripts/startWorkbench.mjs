/** Starts VS Code's workbench on this machine only, with nothing left over from an earlier run. */
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { ensureCodeServer } from "./codeServer.mjs";

const startDeadline = 60_000;
const stopDeadline = 5_000;

const quietSettings = {
  "telemetry.telemetryLevel": "off",
  "workbench.startupEditor": "none",
  "workbench.enableExperiments": false,
  "workbench.secondarySideBar.defaultVisibility": "hidden",
  "security.workspace.trust.startupPrompt": "never",
  "chat.disableAIFeatures": true,
  "extensions.autoUpdate": false,
  "extensions.autoCheckUpdates": false,
  "extensions.ignoreRecommendations": true,
  "git.enabled": false,
};

/**
 * @typedef {object} WorkbenchOptions
 * @property {string} [vsix] an extension package to install first
 * @property {boolean} [untrusted] the workspace is opened in Restricted Mode
 * @property {string} [locale] the display language, such as `ja`
 * @property {number} [port] a free one unless given
 * @property {boolean} [testDriver] lets the page run an extension's tests
 * @property {Record<string, unknown>} [settings] user settings beside the quiet ones
 * @property {Record<string, string>} [env] for the extension host
 *
 * @typedef {object} Workbench
 * @property {string} url without a trailing slash
 * @property {string} authority what `vscode-remote://` addresses begin with
 * @property {Promise<string>} crashed holds the server's last words if it ends unasked
 * @property {() => Promise<void>} stop ends it and removes its files
 *
 * @param {WorkbenchOptions} [options]
 * @returns {Promise<Workbench>}
 */
export async function startWorkbench(options = {}) {
  const codeServer = await ensureCodeServer();
  const home = makeHome(options);
  const port = options.port ?? (await freePort());
  const common = ["--config", path.join(home, "config.yaml"), ...folders(home)];
  const servers = [];
  const removeHome = () => rmSync(home, { recursive: true, force: true, maxRetries: 10 });
  const endAtOnce = () => {
    for (const server of servers) signal(server.pid, "SIGKILL");
    removeHome();
  };
  // For a process that ends in the middle of a start, or without calling stop.
  process.once("exit", endAtOnce);
  const stop = async () => {
    await Promise.all(servers.map(end));
    removeHome();
    process.off("exit", endAtOnce);
  };
  try {
    if (options.vsix) {
      const install = ["--install-extension", path.resolve(options.vsix), "--force"];
      const installer = run(codeServer, home, [...common, ...install], options);
      servers.push(installer);
      const code = await installer.ended;
      if (code !== 0)
        throw new Error(`could not install ${options.vsix}:\n${installer.lastWords()}`);
    }
    const server = run(codeServer, home, [...common, ...serverFlags(port, options)], options);
    servers.push(server);
    await answering(`http://127.0.0.1:${port}/healthz`, server);
    return {
      url: `http://127.0.0.1:${port}`,
      authority: `127.0.0.1:${port}`,
      crashed: server.ended.then((code) => `VS Code ended (${code})\n${server.lastWords()}`),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/**
 * @param {number} port
 * @param {WorkbenchOptions} options
 */
function serverFlags(port, options) {
  const flags = ["--bind-addr", `127.0.0.1:${port}`, "--auth", "none"];
  flags.push("--disable-telemetry", "--disable-update-check");
  if (!options.untrusted) flags.push("--disable-workspace-trust");
  flags.push("--disable-getting-started-override", "--ignore-last-opened");
  // Without this driver the page silently ignores `extensionTestsPath`.
  if (options.testDriver) flags.push("--vscode-option", "enable-smoke-test-driver");
  if (options.locale) flags.push("--locale", options.locale);
  return flags;
}

/**
 * A new one each time: VS Code brings unsaved editors back from the last one's backups.
 * @param {WorkbenchOptions} options
 */
function makeHome(options) {
  const home = mkdtempSync(path.join(tmpdir(), "kaibo-vscode-"));
  const trust = { "security.workspace.trust.enabled": options.untrusted === true };
  const settings = { ...quietSettings, ...trust, ...options.settings };
  mkdirSync(path.join(home, "user/User"), { recursive: true });
  writeFileSync(path.join(home, "user/User/settings.json"), JSON.stringify(settings));
  writeFileSync(path.join(home, "config.yaml"), "");
  if (options.locale) writeLanguagePack(path.join(home, "user"), options.locale);
  return home;
}

/** @param {string} home */
function folders(home) {
  return [
    "--user-data-dir",
    path.join(home, "user"),
    "--extensions-dir",
    path.join(home, "extensions"),
  ];
}

/**
 * VS Code speaks a language only when it has a pack for it. An empty one leaves its own texts in
 * English and lets extensions speak the language, which is what is looked at here.
 * @param {string} userData
 * @param {string} locale
 */
function writeLanguagePack(userData, locale) {
  const texts = path.join(userData, `${locale}.json`);
  writeFileSync(texts, JSON.stringify({ contents: {} }));
  const pack = {
    hash: locale,
    label: locale,
    extensions: [{ extensionIdentifier: { id: `kaibo.${locale}` }, version: "0.0.0" }],
    translations: { vscode: texts },
  };
  writeFileSync(path.join(userData, "languagepacks.json"), JSON.stringify({ [locale]: pack }));
}

/**
 * @param {{ node: string, entry: string }} codeServer
 * @param {string} home
 * @param {readonly string[]} flags
 * @param {WorkbenchOptions} options
 */
function run(codeServer, home, flags, options) {
  // No gallery, and no traces of a VS Code terminal that this may have been started from.
  const env = { ...process.env, ...options.env, EXTENSIONS_GALLERY: "{}" };
  env.XDG_DATA_HOME = path.join(home, "data"); // its own log would go to the user's home
  for (const name of Object.keys(env)) {
    if (name === "PORT" || name === "ELECTRON_RUN_AS_NODE" || name.startsWith("VSCODE_")) {
      delete env[name];
    }
  }
  // A process group of its own, so that extension hosts and their servers end with it.
  const child = spawn(codeServer.node, [codeServer.entry, ...flags], {
    env,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let words = "";
  const keep = (chunk) => {
    words = `${words}${chunk}`.slice(-6000);
  };
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  const ended = new Promise((resolve) => {
    child.on("error", (error) => keep(error.message));
    child.on("close", (code, signalName) => resolve(code ?? signalName));
  });
  return { pid: child.pid, ended, lastWords: () => words.trim() };
}

/** @param {{ pid?: number, ended: Promise<unknown> }} server */
async function end(server) {
  signal(server.pid, "SIGTERM");
  await Promise.race([server.ended, delay(stopDeadline, undefined, { ref: false })]);
  signal(server.pid, "SIGKILL");
  await server.ended;
}

/**
 * @param {number | undefined} group
 * @param {NodeJS.Signals} name
 */
function signal(group, name) {
  if (group === undefined) return;
  try {
    process.kill(-group, name);
  } catch (error) {
    if (error.code !== "ESRCH") throw error; // already gone is what was wanted
  }
}

/**
 * @param {string} address
 * @param {{ ended: Promise<unknown>, lastWords: () => string }} server
 */
async function answering(address, server) {
  const deadline = Date.now() + startDeadline;
  let ended = false;
  void server.ended.then(() => {
    ended = true;
  });
  while (!(await answers(address))) {
    if (ended) throw new Error(`VS Code did not start:\n${server.lastWords()}`);
    if (Date.now() > deadline) throw new Error(`VS Code is silent:\n${server.lastWords()}`);
    await delay(50);
  }
}

/** @param {string} address */
async function answers(address) {
  try {
    return (await fetch(address)).ok;
  } catch {
    return false; // nobody listens yet
  }
}

/** @returns {Promise<number>} */
function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer().on("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}
