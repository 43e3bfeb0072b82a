#!/usr/bin/env node
/**
 * Looks like a VS Code executable to `@vscode/test-electron`: it takes the same arguments and ends
 * with the tests' exit code. Inside are code-server and a headless browser that shows its page.
 * The suites run in the real extension host; what they cannot do there (look at the page, press a
 * key) they ask of the small HTTP bridge, whose client is `workbench.ts`.
 */
import { once } from "node:events";
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { format } from "node:util";
import { chromium } from "playwright-core";
import { chromiumFlags, ensureChromium } from "../../scripts/codeServer.mjs";
import { startWorkbench } from "../../scripts/startWorkbench.mjs";

const exitCodes = { broken: 1, hung: 124, interrupted: 130 };
const allowedSeconds = Number(process.env.KAIBO_EDITOR_SECONDS ?? 180);
const failurePicture = path.resolve("out/editor-failure.png");
const logFile = path.resolve("out/editor-log.txt");

/** @type {(() => Promise<unknown>)[]} */
const cleanups = [];
let finished = false;

process.on("SIGINT", () => finish(exitCodes.interrupted));
process.on("SIGTERM", () => finish(exitCodes.interrupted));
// The runner holds the other end of this pipe: when it is killed, nothing here may live on.
process.stdin.resume().on("end", () => finish(exitCodes.interrupted));

async function main() {
  mkdirSync(path.dirname(logFile), { recursive: true });
  writeFileSync(logFile, "");
  rmSync(failurePicture, { force: true });
  const { page, address } = await showBrowser();
  const workbench = await startWorkbench({
    testDriver: true,
    vsix: process.env.KAIBO_EDITOR_VSIX,
    locale: process.env.KAIBO_EDITOR_LOCALE,
    untrusted: process.env.KAIBO_EDITOR_UNTRUSTED === "1",
    settings: { "editor.hover.delay": 100 },
    env: { KAIBO_EDITOR_BRIDGE: address },
  });
  cleanups.unshift(workbench.stop);
  void workbench.crashed.then((words) => finish(exitCodes.broken, words));
  await page.exposeFunction("codeAutomationLog", keepLog);
  await page.exposeFunction("codeAutomationExit", (code) => finish(code));
  page.on("crash", () => finish(exitCodes.broken, "the page crashed"));
  await page.goto(testAddress(workbench));
  await delay(allowedSeconds * 1000, undefined, { ref: false });
  await page.screenshot({ path: failurePicture });
  await finish(exitCodes.hung, `no end after ${allowedSeconds} s; picture: ${failurePicture}`);
}

async function showBrowser() {
  const profile = mkdtempSync(path.join(tmpdir(), "kaibo-browser-"));
  cleanups.unshift(async () => rmSync(profile, { recursive: true, force: true, maxRetries: 10 }));
  const browser = await chromium.launchPersistentContext(profile, {
    executablePath: await ensureChromium(),
    args: [...chromiumFlags],
    viewport: { width: 1400, height: 900 },
    locale: process.env.KAIBO_EDITOR_LOCALE ?? "en",
  });
  cleanups.unshift(() => browser.close());
  const page = browser.pages()[0] ?? (await browser.newPage());
  const bridge = createServer((request, response) => void answer(page, request, response));
  bridge.listen(0, "127.0.0.1");
  await once(bridge, "listening");
  cleanups.unshift(async () => bridge.close());
  return { page, address: `http://127.0.0.1:${bridge.address().port}` };
}

/** @param {import("../../scripts/startWorkbench.mjs").Workbench} workbench */
function testAddress(workbench) {
  const remote = (file) => `vscode-remote://${workbench.authority}${path.resolve(file)}`;
  const payload = [
    ...argumentsNamed("extensionDevelopmentPath").map((folder) => [
      "extensionDevelopmentPath",
      remote(folder),
    ]),
    ["extensionTestsPath", remote(argumentsNamed("extensionTestsPath")[0])],
    ["skipWelcome", "true"],
  ];
  const address = new URL(workbench.url);
  const folder = process.argv.slice(2).find((argument) => !argument.startsWith("-"));
  if (folder) address.searchParams.set("folder", path.resolve(folder));
  else address.searchParams.set("ew", "true");
  address.searchParams.set("payload", JSON.stringify(payload));
  return address.href;
}

/** @param {string} name */
function argumentsNamed(name) {
  const prefix = `--${name}=`;
  return process.argv.filter((a) => a.startsWith(prefix)).map((a) => a.slice(prefix.length));
}

/**
 * VS Code's own log, which is long: only a look into a failure needs it.
 * @param {string} kind
 * @param {readonly unknown[]} values
 */
function keepLog(kind, values) {
  appendFileSync(logFile, `[${kind}] ${format(...values)}\n`);
}

const commands = {
  print: async (_page, { line }) => console.log(line),
  screenshot: async (page, { file }) => {
    mkdirSync(path.dirname(file), { recursive: true });
    await page.screenshot({ path: file });
  },
  evaluate: (page, { expression }) => page.evaluate(expression),
  evaluateInWebview: async (page, { selector, expression }) => {
    for (const frame of page.frames()) {
      if (frame.parentFrame() && (await holds(frame, selector))) return frame.evaluate(expression);
    }
    throw new Error(`no webview holds ${selector}`);
  },
  press: (page, { key }) => page.keyboard.press(key),
  type: (page, { text }) => page.keyboard.type(text),
  click: (page, { selector }) => page.locator(selector).first().click({ timeout: 5000 }),
  hoverText: async (page, { text, within }) => {
    const place = await page.evaluate(placeOfText, { text, within });
    if (!place) throw new Error(`"${text}" is not on the screen`);
    // The editor only notices a pointer that moves.
    await page.mouse.move(place.x, place.y - 1);
    await page.mouse.move(place.x, place.y, { steps: 3 });
  },
};

/**
 * @param {import("playwright-core").Page} page
 * @param {import("node:http").IncomingMessage} request
 * @param {import("node:http").ServerResponse} response
 */
async function answer(page, request, response) {
  try {
    const { command, ...details } = JSON.parse(Buffer.concat(await request.toArray()).toString());
    if (!Object.hasOwn(commands, command)) throw new Error(`unknown command ${command}`);
    const value = await commands[command](page, details);
    response.end(JSON.stringify({ value: value ?? null }));
  } catch (error) {
    response.end(JSON.stringify({ error: error.message }));
  }
}

/**
 * @param {import("playwright-core").Frame} frame
 * @param {string} selector
 */
async function holds(frame, selector) {
  try {
    return (await frame.$(selector)) !== null;
  } catch {
    return false; // the frame went away while being asked
  }
}

/**
 * Runs in the page. Lines of the editor show blanks as no-break spaces and are split into spans.
 * @param {{ text: string, within: string }} wanted
 */
function placeOfText({ text, within }) {
  for (const line of document.querySelectorAll(within)) {
    const start = line.textContent.replaceAll("\u00a0", " ").indexOf(text);
    if (start < 0) continue;
    const nodes = document.createTreeWalker(line, NodeFilter.SHOW_TEXT);
    let middle = start + Math.floor(text.length / 2);
    for (let node = nodes.nextNode(); node; node = nodes.nextNode()) {
      if (middle < node.length) {
        const range = document.createRange();
        range.setStart(node, middle);
        range.setEnd(node, middle + 1);
        const box = range.getBoundingClientRect();
        return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
      }
      middle -= node.length;
    }
  }
  return undefined;
}

/**
 * @param {number} code
 * @param {string} [reason]
 */
async function finish(code, reason) {
  if (finished) return;
  finished = true;
  if (reason) console.error(reason);
  if (code !== 0) console.error(`VS Code's log: ${logFile}`);
  for (const cleanup of cleanups) {
    await cleanup().catch((error) => console.error(`while ending: ${error.message}`));
  }
  process.exit(code);
}

await main().catch((error) => finish(exitCodes.broken, error.stack));
