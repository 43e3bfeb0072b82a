/**
 * Serves a real VS Code with the packaged extension and a copy of the sample workspace, until
 * Ctrl+C. Run the build first.
 *   node scripts/demoEditor.mjs [--port 8123] [--locale ja]
 */
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { packageExtension } from "./package.mjs";
import { startWorkbench } from "./startWorkbench.mjs";

const root = path.resolve(import.meta.dirname, "..");
// Only for trying this script itself out on another extension.
const extension = path.resolve(process.env.KAIBO_EXTENSION_UNDER_TEST ?? root);

const { values } = parseArgs({ options: { port: { type: "string" }, locale: { type: "string" } } });
const scratch = mkdtempSync(path.join(tmpdir(), "kaibo-demo-"));
process.once("exit", () => rmSync(scratch, { recursive: true, force: true }));
const asked = new Promise((resolve) => {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, resolve);
});

const workspace = path.join(scratch, "digits");
cpSync(path.join(extension, "samples/digits"), workspace, { recursive: true });
const vsix = await packageExtension({ extension, out: path.join(scratch, "kaibo.vsix") });
const workbench = await startWorkbench({
  vsix,
  locale: values.locale,
  port: values.port ? Number(values.port) : undefined,
});
try {
  console.log(`Open ${workbench.url}/?folder=${encodeURIComponent(workspace)}`);
  console.log("Ctrl+C ends it.");
  const lastWords = await Promise.race([asked.then(() => undefined), workbench.crashed]);
  if (lastWords) {
    console.error(lastWords);
    process.exitCode = 1;
  }
} finally {
  await workbench.stop();
}
