import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { random } from "#core/random.ts";
import { replaceFile } from "#server/files/replaceFile.ts";
import { bundle } from "../../support/bundles.ts";
import { mnistCnn } from "../../support/pytorch.ts";
import { temporaryFolder } from "../../support/temporary.ts";

const KILLS = 100;

describe("a prune that is killed", function () {
  this.timeout(300_000);
  const folder = temporaryFolder();
  const model = folder.file("model.onnx");
  after(() => folder.remove());
  const hash = () => createHash("sha256").update(readFileSync(model)).digest("hex");

  /** Prunes the model in place; resolves when the process is gone. */
  async function prune(killAfter?: number): Promise<void> {
    const args = [bundle("cli"), "prune", model, "--unit", "conv1/0", "--processes", "1"];
    const child = spawn(process.execPath, [...args, "-o", model], { stdio: "ignore" });
    const gone = new Promise((resolve) => child.once("exit", resolve));
    if (killAfter !== undefined) {
      await Promise.race([gone, wait(killAfter)]);
      child.kill("SIGKILL");
    }
    await gone;
  }

  it(`at ${KILLS} random moments leaves the old file or the new one, whole`, async () => {
    copyFileSync(mnistCnn.model, model);
    const old = hash();
    const start = performance.now();
    await prune();
    const takes = performance.now() - start;
    const pruned = hash();
    assert.notEqual(pruned, old);
    const { uniform } = random(1);
    const found = new Map([
      [old, 0],
      [pruned, 0],
    ]);
    for (let k = 0; k < KILLS; k++) {
      copyFileSync(mnistCnn.model, model);
      await prune(takes * (0.3 + 0.9 * uniform()));
      const now = hash();
      assert.ok(found.has(now), "neither the old file nor the new one");
      found.set(now, found.get(now)! + 1);
    }
    assert.ok(
      [...found.values()].every((n) => n > 0),
      `old and new: ${[...found.values()]}`,
    );
  });

  it("leaves a temporary file that the next one removes", async () => {
    rmSync(model, { force: true });
    const { pid } = spawn(process.execPath, ["-e", ""]);
    const left = folder.file(`.${pid}-${Date.now() - 3_600_000}-model.onnx`);
    const fresh = folder.file(`.${process.pid}-${Date.now() - 3_600_000}-model.onnx`);
    for (const file of [left, fresh]) writeFileSync(file, "part");
    await wait(200);
    await replaceFile(model, [Buffer.from("whole")], async () => undefined);
    const names = readdirSync(folder.path);
    assert.ok(!names.includes(basename(left)));
    assert.ok(names.includes(basename(fresh)), "of a process that lives");
  });
});
