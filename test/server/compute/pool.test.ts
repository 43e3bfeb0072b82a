import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import type { Problem } from "#core/problem.ts";
import { ProblemError } from "#core/problem.ts";
import { type Control, Pool, shardsOf } from "#server/compute/pool.ts";
import { computeImportance } from "#server/operations/importance.ts";
import { bundle } from "../../support/bundles.ts";
import { manyDigits } from "../../support/manyDigits.ts";
import { gone, isAlive } from "../../support/processes.ts";
import { mnistCnn, sigmoidMlp } from "../../support/pytorch.ts";
import { temporaryFolder } from "../../support/temporary.ts";

describe("the pool of compute processes", function () {
  this.timeout(60_000);
  const folder = temporaryFolder();
  const script = bundle("compute");
  const data = manyDigits(folder, 6);
  let pool: Pool;
  beforeEach(() => {
    pool = new Pool({ script, processes: 2 });
  });
  afterEach(async () => {
    const pids = pool.processes;
    pool.dispose();
    await gone(pids);
  });
  after(() => folder.remove());

  const many = (control?: Control) =>
    computeImportance(pool, { model: mnistCnn.model, data }, control);
  const few = (model = sigmoidMlp.model, path = sigmoidMlp.data.data) =>
    computeImportance(pool, { model, data: { data: path, preprocess: {} } });

  it("reports progress that only grows and ends with all samples", async () => {
    const seen: [number, number][] = [];
    await many({ progress: (done, total) => seen.push([done, total]) });
    assert.equal(seen.length, shardsOf(1200, 64).length);
    assert.deepEqual(seen.at(-1), [1200, 1200]);
    for (let i = 1; i < seen.length; i++) assert.ok(seen[i]![0] > seen[i - 1]![0]);
  });

  it("keeps its processes for the next job", async () => {
    await few();
    const before = pool.processes;
    await few();
    assert.deepEqual(pool.processes, before);
    assert.ok(before.length > 0);
  });

  it("ends processes that have had no work for a while, and starts others", async () => {
    pool = new Pool({ script, processes: 1, idle: 300 });
    await few();
    const before = pool.processes;
    assert.equal(before.length, 1);
    await gone(before);
    assert.deepEqual(pool.processes, []);
    await few();
  });

  it("rejects within 200 ms of a cancel and ends the job's processes", async () => {
    const abort = new AbortController();
    const running = many({
      signal: abort.signal,
      progress: () => {
        cancelled ??= performance.now();
        busy = pool.processes;
        abort.abort();
      },
    });
    let cancelled: number | undefined;
    let busy: readonly number[] = [];
    assert.equal((await problemOf(running)).code, "cancelled");
    const took = performance.now() - cancelled!;
    assert.ok(took < 200, `${took} ms`);
    assert.equal(busy.length, 2);
    assert.deepEqual(pool.processes, []);
    await gone(busy);
    assert.equal((await few()).samples, 64);
  });

  it("rejects at once when it is cancelled while a process opens the model", async () => {
    const abort = new AbortController();
    const running = many({ signal: abort.signal });
    const pids = pool.processes;
    assert.ok(pids.length > 0);
    const start = performance.now();
    abort.abort();
    assert.equal((await problemOf(running)).code, "cancelled");
    assert.ok(performance.now() - start < 200);
    await gone(pids);
  });

  it("starts no process for a job that was cancelled before", async () => {
    const problem = await problemOf(many({ signal: AbortSignal.abort() }));
    assert.equal(problem.code, "cancelled");
    assert.deepEqual(pool.processes, []);
  });

  it("reports one problem when a process is killed mid-way, and works again", async () => {
    let killed: number | undefined;
    const running = many({
      progress: () => {
        if (killed !== undefined) return;
        killed = pool.processes[0]!;
        process.kill(killed, "SIGKILL");
      },
    });
    const problem = await problemOf(running);
    assert.equal(problem.code, "compute-failed");
    assert.match(problem.message, /the compute process ended \(SIGKILL\); run it again/);
    assert.ok(!isAlive(killed!));
    assert.equal((await few()).samples, 64);
  });

  it("reports one problem when a process is killed while it opens the model", async () => {
    const running = many();
    process.kill(pool.processes[0]!, "SIGKILL");
    assert.equal((await problemOf(running)).code, "compute-failed");
    assert.equal((await few()).samples, 64);
  });

  it("replaces an idle process that died", async () => {
    await few();
    const [idle] = pool.processes;
    process.kill(idle!, "SIGKILL");
    await gone([idle!]);
    assert.equal((await few()).samples, 64);
    assert.ok(!pool.processes.includes(idle!));
  });

  it("runs two jobs at once without mixing them up", async () => {
    const [first, second] = await Promise.all([many(), few()]);
    assert.deepEqual([first.samples, second.samples], [1200, 64]);
    assert.deepEqual(second, await few());
  });

  it("says what is wrong with a model that is none", async () => {
    const garbage = folder.file("garbage.onnx");
    writeFileSync(garbage, Buffer.from("this is no model at all"));
    const problem = await problemOf(few(garbage));
    assert.equal(problem.code, "unreadable-model");
    assert.equal(problem.at.file, garbage);
  });

  it("says what is wrong with data that is none, or does not fit", async () => {
    const garbage = folder.file("garbage.npy");
    writeFileSync(garbage, Buffer.from("this is no array at all"));
    const unreadable = await problemOf(few(sigmoidMlp.model, garbage));
    assert.equal(unreadable.code, "unreadable-data");
    assert.equal(unreadable.at.file, garbage);
    const misfit = await problemOf(few(sigmoidMlp.model, data.data));
    assert.equal(misfit.code, "data-mismatch");
    assert.equal(misfit.at.file, data.data);
  });

  it("names the file that does not exist", async () => {
    const model = folder.file("nowhere.onnx");
    assert.equal((await problemOf(few(model))).at.file, model);
    const missing = folder.file("nowhere.npy");
    assert.equal((await problemOf(few(sigmoidMlp.model, missing))).at.file, missing);
  });

  it("goes on working after a problem", async () => {
    await problemOf(few(folder.file("nowhere.onnx")));
    assert.equal((await few()).samples, 64);
  });

  it("ends all processes when it is disposed", async () => {
    await many();
    const pids = pool.processes;
    assert.equal(pids.length, 2);
    pool.dispose();
    assert.deepEqual(pool.processes, []);
    await gone(pids);
  });

  it("rejects the job that runs when it is disposed", async () => {
    const problem = await problemOf(many({ progress: () => pool.dispose() }));
    assert.equal(problem.code, "compute-failed");
  });
});

describe("shards", () => {
  it("cover the samples once, in whole batches, whatever the number of processes", () => {
    for (const [samples, batch] of [
      [1, 1],
      [499, 64],
      [500, 7],
      [10_000, 64],
      [1201, 600],
    ] as const) {
      const shards = shardsOf(samples, batch);
      let next = 0;
      for (const { shard, from, to } of shards) {
        assert.equal(from, next);
        assert.equal(shards[shard]!.from, from);
        assert.ok(to > from && from % batch === 0);
        next = to;
      }
      assert.equal(next, samples);
    }
  });
});

async function problemOf(work: Promise<unknown>): Promise<Problem> {
  const found = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  assert.ok(found instanceof ProblemError, String(found));
  return found.problem;
}
