/** Bundles all that runs: node esbuild.mjs [--watch] */
import { chmod } from "node:fs/promises";
import { context } from "esbuild";

const watching = process.argv.includes("--watch");

/** @type {import("esbuild").BuildOptions} */
const common = {
  absWorkingDir: import.meta.dirname,
  outdir: "dist",
  outExtension: { ".js": ".cjs" },
  bundle: true,
  platform: "node",
  format: "cjs",
  target: "node20",
  // Native libraries and WebAssembly are resolved from node_modules when they are first needed: some
  // cannot be bundled, and starting would read all of them.
  external: ["onnxruntime-node", "@tensorflow/*", "h5wasm"],
  minify: !watching,
  sourcemap: watching ? "linked" : false,
  logLevel: "info",
};

const contexts = await Promise.all([
  context({
    ...common,
    entryPoints: { client: "client/src/extension.ts" },
    external: [...common.external, "vscode"],
  }),
  context({
    ...common,
    entryPoints: { server: "server/src/main.ts", compute: "server/src/compute/child.ts" },
  }),
  context({
    ...common,
    entryPoints: { cli: "server/src/cli/main.ts" },
    banner: { js: "#!/usr/bin/env node" },
    plugins: [{ name: "executable", setup: ({ onEnd }) => onEnd(makeExecutable) }],
  }),
  // A script for each panel, and the looks that all share.
  context({
    ...common,
    entryPoints: {
      removalCurve: "webview/src/panels/removalCurve/main.ts",
      theme: "webview/src/theme.css",
    },
    outdir: "dist/webview",
    outExtension: {},
    platform: "browser",
    format: "iife",
    target: "chrome120",
    external: [],
  }),
]);

if (watching) await Promise.all(contexts.map((each) => each.watch()));
else await buildOnce();

async function buildOnce() {
  const results = await Promise.allSettled(contexts.map((each) => each.rebuild()));
  await Promise.all(contexts.map((each) => each.dispose()));
  // What failed has been printed by esbuild.
  if (results.some(({ status }) => status === "rejected")) process.exitCode = 1;
}

/** @param {import("esbuild").BuildResult} result */
async function makeExecutable(result) {
  if (result.errors.length === 0) await chmod(new URL("dist/cli.cjs", import.meta.url), 0o755);
}
