// `npm run demo`: installs, builds, explains the sample model, and opens (or says how to open) the editor.
import { spawn, spawnSync } from "node:child_process";
import { build, installDependencies, root, run } from "./install.mjs";

const SAMPLE = "samples/digits";

installDependencies();
build();

console.log(`\n${SAMPLE}/model.onnx, a small network for digits, on 2,000 images:\n`);
run(process.execPath, [
  "dist/cli.cjs",
  "importance",
  `${SAMPLE}/model.onnx`,
  "--data",
  `${SAMPLE}/t10k-images-idx3-ubyte.gz`,
  "--scale",
  String(1 / 255),
]);

const screen =
  process.platform !== "linux" ||
  process.env.DISPLAY !== undefined ||
  process.env.WAYLAND_DISPLAY !== undefined;
const code = process.platform === "win32" ? "code.cmd" : "code";
const found = screen && spawnSync(code, ["--version"], { stdio: "ignore" }).status === 0;
if (found) {
  const args = [
    `--extensionDevelopmentPath=${root}`,
    `${root}${SAMPLE}`,
    `${root}${SAMPLE}/model.onnx`,
  ];
  spawn(code, args, { detached: true, stdio: "ignore" }).unref();
}
console.log(`
${found ? "VS Code opens with the sample." : "To see it in VS Code in your browser:  npm run demo:editor"}
Open model.onnx and press the Kaibo button in its title bar: the listing has one line per unit.
Low-importance units are faded; press Ctrl+. on one to prune it, and save.
The same in the terminal:  node dist/cli.cjs --help`);
