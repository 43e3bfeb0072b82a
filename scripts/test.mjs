// `npm test`: sets up what is missing, then runs every level and says how many tests passed.
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { build, installDependencies, root } from "./install.mjs";

const LEVELS = [
  { name: "core", files: ["test/core/**/*.test.ts"] },
  { name: "webview", files: ["test/webview/**/*.test.ts"] },
  { name: "client", files: ["test/client/**/*.test.ts"] },
  { name: "runtime", files: ["test/runtime/**/*.test.ts"] },
  { name: "server", files: ["test/server/**/*.test.ts"] },
  { name: "papers", files: ["test/papers/**/*.test.ts"] },
  { name: "editor", editor: [] },
  { name: "restricted", editor: ["--untrusted"] },
];

const wanted = process.argv.slice(2).filter((a) => !a.startsWith("-"));
installDependencies();
build();
const totals = { passed: 0, failed: 0, skipped: 0 };
let broken = false;
for (const level of LEVELS.filter((l) => wanted.length === 0 || wanted.includes(l.name))) {
  const counts = runLevel(level);
  for (const key of Object.keys(totals)) totals[key] += counts[key];
}
console.log(`\n${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`);
process.exitCode = broken || totals.failed > 0 || totals.passed === 0 ? 1 : 0;

/** Runs one level; its counts come from the reporter's file, so a run that dies counts as failed. */
function runLevel({ name, files, editor }) {
  console.log(`\n── ${name}`);
  const report = `${root}out/test-report/${name}.json`;
  mkdirSync(`${root}out/test-report`, { recursive: true });
  rmSync(report, { force: true });
  const command =
    files === undefined
      ? ["test/editor/run.mjs", ...editor]
      : [
          "node_modules/mocha/bin/mocha.js",
          "--import=tsx",
          "--reporter",
          "test/support/reporter.cjs",
          "--timeout",
          "30000",
          ...files,
        ];
  const env = { ...process.env, KAIBO_TEST_REPORT: report };
  const { status } = spawnSync(process.execPath, command, { cwd: root, stdio: "inherit", env });
  let counts = { passed: 0, failed: 1, skipped: 0 };
  try {
    counts = JSON.parse(readFileSync(report, "utf8"));
  } catch (error) {
    console.error(`${name}: no report (${error.message}); exit code ${status}`);
  }
  if (status !== 0) broken = true;
  return counts;
}
