/**
 * A real VS Code without its download site: code-server (VS Code's own workbench and extension
 * host) and the Node it needs both come from npm, and stay in a cache folder outside the checkout.
 * The browser in which it is looked at is the system's own.
 */
import { spawn } from "node:child_process";
import { accessSync, constants, existsSync } from "node:fs";
import { mkdir, readdir, rename, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";

const codeServerVersion = "4.139.1";
const nodeVersion = "24.21.0";
const marker = `complete-${codeServerVersion}-node-${nodeVersion}`;
const otherInstallDeadline = 15 * 60_000;
/** The font is for the pages in Japanese. */
const debianPackages = ["chromium", "fonts-ipafont-gothic"];
const browserNames = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const macChrome = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome";

/**
 * Two of VS Code's own packages are only C++, and no compiler is asked for here. Without the first,
 * output channels stay empty; without the second, extension hosts outlive a killed server.
 */
const standIns = {
  spdlog: `
const { appendFileSync, mkdirSync } = require("node:fs");
class Logger {
  constructor(kind, name, file) { this.file = file; this.stamped = true; }
  setPattern() { this.stamped = true; }
  clearFormatters() { this.stamped = false; }
  getLevel() { return 0; }
  setLevel() {} flush() {} drop() {}
}
for (const level of ["trace", "debug", "info", "warn", "error", "critical"]) {
  Logger.prototype[level] = function (message) {
    const time = new Date().toISOString().replace("T", " ").slice(0, -1);
    appendFileSync(this.file, this.stamped ? time + " [" + level + "] " + message + "\\n" : message);
  };
}
const create = async (name, file) => {
  mkdirSync(require("node:path").dirname(file), { recursive: true });
  return new Logger("", name, file);
};
// Each by itself: VS Code imports them by name.
exports.version = 0;
exports.setLevel = () => {};
exports.setFlushOn = () => {};
exports.Logger = Logger;
exports.createRotatingLogger = create;
exports.createAsyncRotatingLogger = create;
`,
  "native-watchdog": `
exports.start = (pid) => {
  setInterval(() => {
    try { process.kill(pid, 0); } catch (error) { if (error.code === "ESRCH") process.exit(1); }
  }, 1000).unref();
};
exports.exit = (code) => process.exit(code);
`,
};

/**
 * Installs code-server once; later calls only look for the marker.
 * @returns {Promise<{ node: string, entry: string }>} the Node that runs it, and its entry script
 */
export async function ensureCodeServer() {
  const target = cacheFolder();
  if (!existsSync(path.join(target, marker))) await installOnce(target);
  return {
    node: path.join(target, "node_modules", nodePackage(), "bin", "node"),
    entry: path.join(target, "node_modules/code-server/out/node/entry.js"),
  };
}

function cacheFolder() {
  const caches = process.env.XDG_CACHE_HOME || path.join(homedir(), ".cache");
  return path.resolve(
    process.env.KAIBO_VSCODE_CACHE ||
      path.join(caches, "kaibo", `code-server-${codeServerVersion}`),
  );
}

/**
 * Everything is made in a folder of this process's own and renamed into place at the end, so that
 * nobody ever sees half of it and two processes cannot disturb each other.
 * @param {string} target
 */
async function installOnce(target) {
  const staging = `${target}.installing-${Date.now()}-${process.pid}`;
  await mkdir(staging, { recursive: true });
  try {
    await waitForEarlierInstall(target, staging);
    if (existsSync(path.join(target, marker))) return;
    console.log(`Installing VS Code (code-server ${codeServerVersion}) from npm into ${target}`);
    console.log("This happens once; it takes half a minute or more and 600 MB.");
    const started = Date.now();
    await install(staging);
    await moveIntoPlace(staging, target);
    console.log(`VS Code is installed (${Math.round((Date.now() - started) / 1000)} s).`);
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

/**
 * @param {string} target
 * @param {string} own the staging folder of this process
 */
async function waitForEarlierInstall(target, own) {
  const deadline = Date.now() + otherInstallDeadline;
  let told = false;
  while (Date.now() < deadline) {
    const earlier = await earlierInstalls(target, own);
    if (earlier.length === 0) return;
    if (!told) console.log("Another process is installing VS Code; waiting for it.");
    told = true;
    await delay(500);
  }
}

/**
 * The staging folders of living processes that began before this one; those of dead ones go.
 * @param {string} target
 * @param {string} own
 */
async function earlierInstalls(target, own) {
  const parent = path.dirname(target);
  const prefix = `${path.basename(target)}.installing-`;
  const alive = [];
  for (const name of await readdir(parent)) {
    if (!name.startsWith(prefix) || name === path.basename(own)) continue;
    if (!isAlive(Number(name.split("-").at(-1)))) {
      await rm(path.join(parent, name), { recursive: true, force: true });
    } else if (name < path.basename(own)) alive.push(name);
  }
  return alive;
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error.code === "EPERM";
  }
}

/** @param {string} folder */
async function install(folder) {
  // The `node` package fetches its binary in an install script, which npm 11 does not run unasked;
  // the platform's own package holds the same binary and needs no script.
  await writeFile(path.join(folder, "package.json"), '{"private":true}');
  const bin = path.join(folder, "node_modules", nodePackage(), "bin");
  const flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock"];
  await npm(folder, bin, [
    "install",
    ...flags,
    "--engine-strict=false",
    `${nodePackage()}@${nodeVersion}`,
    `code-server@${codeServerVersion}`,
  ]);
  // `npm ci` refuses: the shrinkwrap that code-server ships is out of step with its package.json.
  const vscode = path.join(folder, "node_modules/code-server/lib/vscode");
  for (const inner of [vscode, path.join(vscode, "extensions")]) {
    await npm(inner, bin, ["install", "--omit=dev", ...flags.slice(0, 3)]);
  }
  await removeAssistants(path.join(vscode, "node_modules"));
  for (const [name, source] of Object.entries(standIns)) {
    await writeFile(path.join(vscode, "node_modules/@vscode", name, "index.js"), source);
  }
  await writeFile(path.join(folder, marker), "");
}

/**
 * 190 MB of coding-assistant binaries that an extension test never loads.
 * @param {string} modules
 */
async function removeAssistants(modules) {
  const github = path.join(modules, "@github");
  const assistants = (existsSync(github) ? await readdir(github) : [])
    .filter((name) => name.startsWith("copilot-sdk"))
    .map((name) => path.join(github, name));
  for (const folder of [...assistants, path.join(modules, "@microsoft/mxc-sdk")]) {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * @param {string} staging
 * @param {string} target
 */
async function moveIntoPlace(staging, target) {
  if (existsSync(path.join(target, marker))) return;
  const present = existsSync(target) ? await readdir(target) : [];
  if (present.length > 0 && !existsSync(path.join(target, "node_modules/code-server"))) {
    throw new Error(`${target} holds something else; KAIBO_VSCODE_CACHE must name a new folder`);
  }
  await rm(target, { recursive: true, force: true });
  try {
    await rename(staging, target);
  } catch (error) {
    // Another process finished in the same instant: its folder is as good as ours.
    if (!existsSync(path.join(target, marker))) throw error;
  }
}

function nodePackage() {
  const system = process.platform === "win32" ? "win" : process.platform;
  // The plain name of this one package was taken on npm.
  const prefix = system === "darwin" && process.arch === "arm64" ? "node-bin" : "node";
  return `${prefix}-${system}-${process.arch}`;
}

/**
 * @param {string} cwd
 * @param {string} bin the folder of the Node that runs inner scripts
 * @param {readonly string[]} args
 */
async function npm(cwd, bin, args) {
  const env = { ...process.env, PATH: `${bin}${path.delimiter}${process.env.PATH}` };
  // `npm test` hands its own project down in the environment; these installs have theirs.
  for (const name of Object.keys(env)) {
    if (/^(npm_(package|lifecycle|config_(local_|global_)?prefix|command)|INIT_CWD)/.test(name)) {
      delete env[name];
    }
  }
  env.PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD = "1";
  const shell = process.platform === "win32";
  await runQuietly("npm", args, { cwd, env, shell });
}

/**
 * Without a display or a sandbox of its own, and without calls home.
 * @type {readonly string[]}
 */
export const chromiumFlags = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** @returns {Promise<string>} the path of a Chromium or Chrome, installed if this may be done */
export async function ensureChromium() {
  const found = findChromium();
  if (found) return found;
  if (!existsSync("/etc/debian_version")) {
    throw new Error(
      "no chromium found: install Chromium or Chrome, or name its path in the variable CHROMIUM",
    );
  }
  if (process.getuid?.() !== 0) {
    throw new Error(
      "no chromium found: run `sudo apt-get install chromium`, or name its path in the variable CHROMIUM",
    );
  }
  console.log("Installing Debian's chromium.");
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  await runQuietly("apt-get", ["update", "-qq"], { env });
  await runQuietly("apt-get", ["install", "-qq", "--no-install-recommends", ...debianPackages], {
    env,
  });
  const installed = findChromium();
  if (!installed) throw new Error("chromium was installed, but is not on the PATH");
  return installed;
}

function findChromium() {
  const named = process.env.CHROMIUM;
  if (named) {
    if (!isExecutable(named)) throw new Error(`CHROMIUM names ${named}, which cannot be run`);
    return named;
  }
  const folders = [...(process.env.PATH ?? "").split(path.delimiter), "/usr/bin"];
  const places = folders.flatMap((folder) => browserNames.map((name) => path.join(folder, name)));
  return [...places, macChrome].find(isExecutable);
}

/** @param {string} file */
function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false; // absent or not ours to run: the same to us
  }
}

/**
 * Runs a set-up command in silence; what it printed is shown only when it fails.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {import("node:child_process").SpawnOptions} [options]
 * @returns {Promise<string>} what it printed
 */
function runQuietly(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
    let printed = "";
    const keep = (chunk) => {
      printed += chunk;
    };
    child.stdout.on("data", keep);
    child.stderr.on("data", keep);
    child.on("error", reject);
    child.on("close", (code, signal) => {
      if (code === 0) return resolve(printed);
      const line = [command, ...args].join(" ");
      const shown = printed.slice(-4000).trim();
      reject(new Error(`\`${line}\` ended with ${signal ?? `code ${code}`}:\n${shown}`));
    });
  });
}
