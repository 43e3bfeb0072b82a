// `npm run fuzz`: every fuzz test with ten times as many cases (KAIBO_FUZZ=N: N times), for a nightly run.
import { spawnSync } from "node:child_process";
import { root } from "./install.mjs";

const files = [
  "test/core/data/hostile.test.ts",
  "test/core/data/images/folder.test.ts",
  "test/core/formats/*ostile.test.ts",
  "test/core/formats/safetensors/*.test.ts",
  "test/core/formats/structure.test.ts",
  "test/runtime/fuzz.test.ts",
  "test/runtime/randomPlans*.test.ts",
];
const command = [
  "node_modules/mocha/bin/mocha.js",
  "--import=tsx",
  "--timeout",
  "600000",
  ...files,
];
const env = { KAIBO_FUZZ: "10", ...process.env };
process.exitCode =
  spawnSync(process.execPath, command, { cwd: root, stdio: "inherit", env }).status ?? 1;
