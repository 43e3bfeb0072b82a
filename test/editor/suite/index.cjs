/** What VS Code loads inside its extension host: mocha, over the bundles that run.mjs has made. */
const { existsSync, mkdirSync, readdirSync, writeFileSync } = require("node:fs");
const path = require("node:path");
const { format } = require("node:util");

const bridge = process.env.KAIBO_EDITOR_BRIDGE;

exports.run = async () => {
  const { default: Mocha } = await import("mocha");
  const printed = bridge ? printThroughBridge(Mocha.reporters.Base) : undefined;
  const mocha = new Mocha({ ui: "bdd", timeout: 30_000 });
  mocha.rootHooks({ afterEach: pictureOfFailure });
  for (const file of bundles()) mocha.addFile(file);
  const failures = await new Promise((resolve) => {
    const runner = mocha.run(resolve);
    runner.once("end", () => report(runner.stats));
  });
  await printed?.();
  if (failures > 0) throw new Error(`${failures} failed`);
};

/** Counts for scripts/test.mjs. */
function report({ passes, failures, pending }) {
  const file = process.env.KAIBO_TEST_REPORT;
  if (!file) return;
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify({ passed: passes, failed: failures, skipped: pending }));
}

function bundles() {
  const folder = process.env.KAIBO_EDITOR_SUITES;
  if (!folder || !existsSync(folder)) throw new Error("run.mjs names the folder of the bundles");
  const names = readdirSync(folder).filter((name) => name.endsWith(".test.cjs"));
  return names.sort().map((name) => path.join(folder, name));
}

/**
 * The extension host's console ends in VS Code's log, among all else that stands there; what mocha
 * prints goes to the terminal instead.
 * @param {{ consoleLog: typeof console.log }} reporter
 * @returns {() => Promise<unknown>} resolves when everything is printed
 */
function printThroughBridge(reporter) {
  let last = Promise.resolve();
  reporter.consoleLog = (...values) => {
    last = last.then(() => ask({ command: "print", line: format(...values) }));
  };
  return () => last;
}

/** @this {Mocha.Context} */
async function pictureOfFailure() {
  if (!bridge || this.currentTest?.state !== "failed") return;
  await ask({ command: "screenshot", file: process.env.KAIBO_EDITOR_FAILURE });
}

/** @param {object} body */
async function ask(body) {
  const reply = await fetch(bridge, { method: "POST", body: JSON.stringify(body) });
  const { error } = await reply.json();
  if (error) throw new Error(error);
}
