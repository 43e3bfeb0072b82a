// Mocha's spec output, and the counts as JSON for scripts/test.mjs.
const { mkdirSync, writeFileSync } = require("node:fs");
const { dirname } = require("node:path");
const { reporters } = require("mocha");

module.exports = class Report extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    runner.once("end", () => {
      const file = process.env.KAIBO_TEST_REPORT;
      if (file === undefined) return;
      const { passes, failures, pending } = runner.stats;
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, JSON.stringify({ passed: passes, failed: failures, skipped: pending }));
    });
  }
};
