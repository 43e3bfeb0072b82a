/**
 * Packs the built extension into kaibo-<target>.vsix.
 *   node scripts/package.mjs [--target linux-x64] [--out file.vsix]
 * Run the build first. ONNX Runtime holds native code, so there is one package per platform.
 */
import { cpSync, existsSync, readFileSync, rmSync, statSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { createVSIX } from "@vscode/vsce";

const root = path.resolve(import.meta.dirname, "..");

/**
 * @param {{ target?: string, out?: string, extension?: string }} [options]
 * @returns {Promise<string>} the path of the package
 */
export async function packageExtension(options = {}) {
  const target = options.target ?? `${process.platform}-${process.arch}`;
  const extension = path.resolve(options.extension ?? root);
  const out = path.resolve(options.out ?? path.join(extension, `kaibo-${target}.vsix`));
  const { main } = JSON.parse(readFileSync(path.join(extension, "package.json"), "utf8"));
  if (!existsSync(path.join(extension, main))) {
    throw new Error(`${main} is missing: build the extension first (npm run build)`);
  }
  const staged = path.join(extension, "dist/node_modules");
  try {
    stageRuntimes(staged, target);
    await createVSIX({
      cwd: extension,
      packagePath: out,
      target,
      dependencies: false,
      allowMissingRepository: true,
      skipLicense: true,
      rewriteRelativeLinks: false,
      ignoreFile: path.join(root, ".vscodeignore"),
    });
  } finally {
    // Left there, another platform's binary would be found before the checkout's own.
    rmSync(staged, { recursive: true, force: true });
  }
  return out;
}

/**
 * vsce leaves the root's node_modules out, but keeps those below dist, where the bundles look first.
 * @param {string} folder
 * @param {string} target such as `linux-x64`
 */
function stageRuntimes(folder, target) {
  const [platform, arch] = target.split("-");
  const binaries = `bin/napi-v6/${platform}/${arch}`;
  const runtime = path.join(root, "node_modules/onnxruntime-node");
  if (!existsSync(path.join(runtime, binaries))) {
    throw new Error(`onnxruntime-node has nothing for ${target}`);
  }
  rmSync(folder, { recursive: true, force: true });
  const files = {
    "onnxruntime-node": ["package.json", "dist", binaries],
    "onnxruntime-common": ["package.json", "dist/cjs"],
    "@tensorflow/tfjs-core": ["package.json", "dist/tf-core.node.js"],
    "@tensorflow/tfjs-backend-cpu": ["package.json", "dist/tf-backend-cpu.node.js"],
    "@tensorflow/tfjs-backend-wasm": [
      "package.json",
      "dist/tf-backend-wasm.node.js",
      "dist/tfjs-backend-wasm.wasm",
      "dist/tfjs-backend-wasm-simd.wasm",
      "dist/tfjs-backend-wasm-threaded-simd.wasm",
    ],
    h5wasm: ["package.json", "dist/esm"],
    seedrandom: ["package.json", "index.js", "seedrandom.js", "lib"],
  };
  for (const [name, parts] of Object.entries(files)) {
    for (const part of parts) {
      const from = path.join(root, "node_modules", name, part);
      const filter = (file) => !/\.(map|d\.ts)$/.test(file);
      cpSync(from, path.join(folder, name, part), { recursive: true, dereference: true, filter });
    }
  }
}

if (process.argv[1] && path.resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: { target: { type: "string" }, out: { type: "string" } },
  });
  const file = await packageExtension(values);
  console.log(`${file} (${(statSync(file).size / 1e6).toFixed(1)} MB)`);
}
