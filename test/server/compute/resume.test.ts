import assert from "node:assert/strict";
import { readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { ProblemError } from "#core/problem.ts";
import type { Importance } from "#protocol/views/importance.ts";
import type { Checkpoint } from "#server/compute/checkpoint.ts";
import { Pool } from "#server/compute/pool.ts";
import { timeLeft } from "#server/compute/timeLeft.ts";
import { computeImportance } from "#server/operations/importance.ts";
import { checkpointIn } from "#server/workspace/checkpoints.ts";
import { bundle } from "../../support/bundles.ts";
import { manyDigits } from "../../support/manyDigits.ts";
import { mnistCnn } from "../../support/pytorch.ts";
import { temporaryFolder } from "../../support/temporary.ts";

describe("a computation that was broken off", function () {
  this.timeout(60_000);
  const folder = temporaryFolder();
  const data = manyDigits(folder, 8);
  const pool = new Pool({ script: bundle("compute"), processes: 1 });
  let whole: Importance;
  let shards: number;
  before(async () => {
    let count = 0;
    whole = await run(undefined, { progress: () => count++ });
    shards = count;
    assert.ok(shards >= 6);
  });
  after(() => {
    pool.dispose();
    folder.remove();
  });

  interface Watched {
    progress?(done: number, total: number, left?: number): void;
    readonly signal?: AbortSignal;
    readonly probes?: number;
  }
  const run = (checkpoint?: Checkpoint, { probes, ...control }: Watched = {}) =>
    computeImportance(
      pool,
      { model: mnistCnn.model, data, ...(probes === undefined ? {} : { probes }) },
      { ...control, ...(checkpoint === undefined ? {} : { checkpoint }) },
    );

  /** Breaks it off after some shards. */
  async function brokenOff(checkpoint: Checkpoint, after: number, stop: () => void) {
    let seen = 0;
    const running = run(checkpoint, { progress: () => ++seen === after && stop() });
    await assert.rejects(running, ProblemError);
  }

  /** Progress of a run to the end: samples done, one entry a report. */
  async function goOn(checkpoint: Checkpoint) {
    const done: number[] = [];
    const result = await run(checkpoint, { progress: (n) => void done.push(n) });
    return { done, result };
  }

  it("goes on where it was cancelled, to the same bits", async () => {
    const checkpoint = checkpointIn(folder.file("cancelled"), "key");
    const abort = new AbortController();
    const cancelled = { progress: (n: number) => n > 700 && abort.abort(), signal: abort.signal };
    await assert.rejects(run(checkpoint, cancelled), ProblemError);
    const { done, result } = await goOn(checkpoint);
    // The first report is of what was done before.
    assert.ok(done[0]! > 700, `${done[0]}`);
    assert.ok(done.length - 1 <= shards - 3, `${done.length} of ${shards}`);
    assert.deepEqual(result, whole);
    assert.deepEqual(readdirSync(folder.file("cancelled/partials")), []);
  });

  it("goes on where a process died, and twice", async () => {
    const checkpoint = checkpointIn(folder.file("died"), "key");
    const kill = () => process.kill(pool.processes[0]!, "SIGKILL");
    await brokenOff(checkpoint, 2, kill);
    await brokenOff(checkpoint, 3, kill);
    const { done, result } = await goOn(checkpoint);
    assert.ok(done[0]! >= 500, `${done[0]}`);
    assert.deepEqual(result, whole);
  });

  it("starts again where what was kept is damaged, or of another question", async () => {
    const checkpoint = checkpointIn(folder.file("damaged"), "key");
    const kill = () => process.kill(pool.processes[0]!, "SIGKILL");
    await brokenOff(checkpoint, 3, kill);
    const kept = folder.file("damaged/partials/key.bin");
    const bytes = readFileSync(kept);
    writeFileSync(kept, bytes.with(100, bytes[100]! ^ 1));
    assert.equal((await goOn(checkpoint)).done.length, shards);
    writeFileSync(kept, bytes);
    const reports: number[] = [];
    await run(checkpoint, { probes: 16, progress: (n) => void reports.push(n) });
    assert.ok(reports[0]! <= 256, `${reports[0]}`);
  });

  it("keeps no more than a gigabyte and nothing older than a week", async () => {
    const at = folder.file("bounded");
    const old = checkpointIn(at, "old");
    await old.store([1]);
    const past = new Date(Date.now() - 8 * 24 * 3600 * 1000);
    utimesSync(folder.file("bounded/partials/old.bin"), past, past);
    await checkpointIn(at, "new").store([2]);
    assert.deepEqual(readdirSync(`${at}/partials`), ["new.bin"]);
    assert.deepEqual(await checkpointIn(at, "new").load(), [2]);
    // 300 MB of sums are not worth the disk.
    await checkpointIn(at, "large").store(new Uint8Array(300_000_000));
    assert.equal(await checkpointIn(at, "large").load(), undefined);
  });

  it("says how much time is left, less and less", async () => {
    const left: number[] = [];
    await run(undefined, { progress: (_done, _total, seconds) => void left.push(seconds!) });
    assert.ok(left.every((s) => s >= 0 && s < 60));
    assert.equal(left.at(-1), 0);
    assert.ok(left[0]! > 0);
  });
});

describe("the time that is left", () => {
  it("is said as people say it", () => {
    assert.equal(timeLeft(12), "about 15 s left");
    assert.equal(timeLeft(170), "about 3 min left");
    assert.equal(timeLeft(9000), "about 2.5 h left");
    assert.equal(timeLeft(170, "ja"), "残り約 3 分");
    assert.equal(timeLeft(undefined), "");
  });
});
