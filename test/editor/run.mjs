/**
 * Runs the editor suites in a real VS Code.
 *   node test/editor/run.mjs [--locale ja] [--vsix file.vsix] [--untrusted] [suite.test.ts …]
 * Untrusted, the suites are those for Restricted Mode.
 * With KAIBO_DESKTOP_VSCODE=1 the desktop VS Code is downloaded and used; suites that look at the
 * page skip those tests there.
 */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { runTests } from "@vscode/test-electron";
import { build } from "esbuild";
import { ensureChromium, ensureCodeServer } from "../../scripts/codeServer.mjs";

const root = path.resolve(import.meta.dirname, "../..");
// Only for trying this runner itself out on another extension.
const extension = path.resolve(process.env.KAIBO_EXTENSION_UNDER_TEST ?? root);
const bundles = path.join(root, "out/editor-tests");

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { locale: { type: "string" }, vsix: { type: "string" }, untrusted: { type: "boolean" } },
});
const desktop = process.env.KAIBO_DESKTOP_VSCODE === "1";
const scratch = mkdtempSync(path.join(tmpdir(), "kaibo-editor-tests-"));
try {
  process.chdir(root);
  await bundleSuites(positionals);
  if (!desktop) await Promise.all([ensureCodeServer(), ensureChromium()]);
  process.exitCode = await run();
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

async function run() {
  const workspace = path.join(scratch, "digits");
  // Tests write here.
  cpSync(path.join(extension, "samples/digits"), workspace, { recursive: true });
  try {
    return await runTests({
      vscodeExecutablePath: desktop ? undefined : path.join(import.meta.dirname, "vscode.mjs"),
      extensionDevelopmentPath: values.vsix ? emptyExtension() : extension,
      extensionTestsPath: path.join(import.meta.dirname, "suite/index.cjs"),
      launchArgs: [workspace, ...(desktop && values.locale ? ["--locale", values.locale] : [])],
      extensionTestsEnv: {
        KAIBO_WORKSPACE: workspace,
        KAIBO_EDITOR_SUITES: bundles,
        KAIBO_EDITOR_RESULTS: path.join(root, "out"),
        KAIBO_EDITOR_FAILURE: path.join(root, "out/editor-failure.png"),
        ...(process.env.KAIBO_TEST_REPORT && { KAIBO_TEST_REPORT: process.env.KAIBO_TEST_REPORT }),
        ...(values.locale && { KAIBO_EDITOR_LOCALE: values.locale }),
        ...(values.untrusted && { KAIBO_EDITOR_UNTRUSTED: "1" }),
        ...(values.vsix && { KAIBO_EDITOR_VSIX: path.resolve(values.vsix) }),
      },
    });
  } catch (error) {
    console.error(error.message);
    return error.code || 1;
  }
}

/** @param {readonly string[]} chosen */
async function bundleSuites(chosen) {
  const suites = chosen.length > 0 ? chosen : allSuites();
  rmSync(bundles, { recursive: true, force: true });
  await build({
    entryPoints: suites.map((file) => ({
      in: path.resolve(file),
      out: path.basename(file, ".ts"),
    })),
    outdir: bundles,
    outExtension: { ".js": ".cjs" },
    bundle: true,
    platform: "node",
    format: "cjs",
    target: "node20",
    sourcemap: "inline",
    external: ["vscode", "mocha"],
    logLevel: "warning",
  });
}

function allSuites() {
  const folder = path.join(import.meta.dirname, values.untrusted ? "restricted" : "suite");
  const names = readdirSync(folder).filter((name) => name.endsWith(".test.ts"));
  return names.map((name) => path.join(folder, name));
}

/** An installed package is tested beside an extension that does nothing: one must be given. */
function emptyExtension() {
  const folder = path.join(scratch, "empty");
  mkdirSync(folder);
  const manifest = { name: "empty", publisher: "kaibo", version: "0.0.0" };
  writeFileSync(
    path.join(folder, "package.json"),
    JSON.stringify({ ...manifest, engines: { vscode: "*" } }),
  );
  return folder;
}
