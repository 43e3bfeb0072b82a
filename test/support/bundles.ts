import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildSync } from "esbuild";

const entries = {
  cli: "server/src/cli/main.ts",
  server: "server/src/main.ts",
  compute: "server/src/compute/child.ts",
} as const;

const root = fileURLToPath(new URL("../../", import.meta.url));
const folder = join(root, "out", "bundles", String(process.pid));
let built = false;

/**
 * The program as it is shipped: one CommonJS file, made from the sources as they are now (a `dist` that
 * is older than the sources would test something else). The bundles lie side by side, as in `dist`.
 */
export function bundle(name: keyof typeof entries): string {
  if (!built) {
    mkdirSync(folder, { recursive: true });
    process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
    buildSync({
      absWorkingDir: root,
      entryPoints: entries,
      outdir: folder,
      outExtension: { ".js": ".cjs" },
      bundle: true,
      platform: "node",
      format: "cjs",
      target: "node20",
      external: ["onnxruntime-node", "@tensorflow/*", "h5wasm"],
      logLevel: "error",
    });
    built = true;
  }
  return join(folder, `${name}.cjs`);
}
