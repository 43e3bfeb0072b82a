import assert from "node:assert/strict";
import {
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import fc from "fast-check";
import { encode } from "#core/compile/encode.ts";
import { bindBatch } from "#core/formats/batch.ts";
import { concat, delimited } from "#core/formats/onnx/pieces.ts";
import type { Graph } from "#core/ir/graph.ts";
import type { Tensor } from "#core/ir/tensor.ts";
import { type Problem, ProblemError } from "#core/problem.ts";
import { maskUnits } from "#core/prune/mask.ts";
import { planPrune, type UnitSet } from "#core/prune/plan.ts";
import { evaluate } from "#core/runtime/reference.ts";
import { Pool } from "#server/compute/pool.ts";
import { readModel } from "#server/files/openModel.ts";
import { prune } from "#server/operations/prune.ts";
import { ENGINES, type Engine, engine as engineOf } from "#server/runtime/engines.ts";
import { image, normal, op, weights } from "../support/build.ts";
import { bundle } from "../support/bundles.ts";
import { anyChain, chainOf } from "../support/chain.ts";
import { manyDigits } from "../support/manyDigits.ts";
import { assertNear } from "../support/numbers.ts";
import { gone } from "../support/processes.ts";
import { expectedBy, mnistCnn } from "../support/pytorch.ts";
import { temporaryFolder } from "../support/temporary.ts";

const CONV2 = { layer: "conv2", units: [0, 5, 11] };

describe("pruning a model file", function () {
  this.timeout(60_000);
  const folder = temporaryFolder();
  const model = folder.file("model.onnx");
  const output = folder.file("smaller.onnx");
  const pool = new Pool({ script: bundle("compute"), processes: 1 });
  after(async () => {
    const pids = pool.processes;
    pool.dispose();
    await gone(pids);
    folder.remove();
  });
  beforeEach(() => copyFileSync(mnistCnn.model, model));

  for (const engine of ENGINES)
    it(`gives what the masked original gives, in ${engine}, on random chains`, async () => {
      const property = fc.asyncProperty(anyChain, async (spec) => {
        const { graph, removed } = chainOf(spec);
        writeFileSync(model, encode(graph));
        const report = await prune(pool, { model, output, units: removed, engine });
        assert.deepEqual(report.removed, removed);
        assert.ok(report.maskedDifference! <= 1e-5);
        assert.ok(report.bytes.after < report.bytes.before);
        assert.equal(report.bytes.after, statSync(output).size);
        assert.ok(report.parameters.after < report.parameters.before);
        assert.ok(report.macs!.after < report.macs!.before);
        assert.ok(report.engine!.startsWith(engine));
        await equalsMasked(model, output, removed, engine);
      });
      await fc.assert(property, { numRuns: 30, seed: 11 });
    });

  it("says what it costs in accuracy, on the data that is given", async () => {
    const report = await prune(pool, { model, output, units: [CONV2], data: mnistCnn.data });
    assert.equal(report.accuracy?.before, expectedBy(mnistCnn).accuracy);
    assert.ok(report.accuracy.after > 0.3 && report.accuracy.after <= 1);
    const [before, after] = await Promise.all([readModel(model), readModel(output)]);
    assert.deepEqual(report.parameters, { before: before.parameters, after: after.parameters });
    // 3 of 16 filters: 8·3² weights, a bias, and 5² columns of each of 32 units behind them.
    assert.equal(before.parameters - after.parameters, 3 * (72 + 1 + 25 * 32));
  });

  it("keeps metadata, doc strings and fields that nobody knows", async () => {
    const entry = [...delimited(1, "license"), ...delimited(2, "ours")];
    const extra = concat([
      ...delimited(6, "what this model is for"),
      ...delimited(14, entry),
      ...delimited(2047, "from the future"),
    ]);
    writeFileSync(model, concat([readFileSync(mnistCnn.model), extra]));
    await prune(pool, { model, output, units: [CONV2] });
    const { facts } = await readModel(output);
    assert.equal(facts.docString, "what this model is for");
    assert.equal(facts.metadata.get("license"), "ours");
    assert.equal(facts.producer, (await readModel(model)).facts.producer);
    assert.ok(readFileSync(output).includes("from the future"));
  });

  it("can replace the model itself, keeping its permissions", async () => {
    const before = statSync(model);
    await prune(pool, { model, output: model, units: [CONV2] });
    assert.ok(statSync(model).size < before.size);
    assert.equal(statSync(model).mode, before.mode);
    await equalsMasked(mnistCnn.model, model, [CONV2]);
  });

  it("can be repeated on its own result", async () => {
    await prune(pool, { model, output, units: [CONV2] });
    await prune(pool, { model: output, output, units: [{ layer: "fc1", units: [31] }] });
    await equalsMasked(mnistCnn.model, output, [CONV2, { layer: "fc1", units: [31] }]);
  });
});

describe("pruning that fails", function () {
  this.timeout(60_000);
  const script = bundle("compute");
  const data = temporaryFolder();
  const digits = manyDigits(data, 6);
  let folder = temporaryFolder();
  let pool = new Pool({ script, processes: 1 });
  beforeEach(() => {
    folder.remove();
    folder = temporaryFolder();
    pool = new Pool({ script, processes: 1 });
    copyFileSync(mnistCnn.model, folder.file("model.onnx"));
    writeFileSync(folder.file("out.onnx"), "what was there before");
  });
  afterEach(async () => {
    const pids = pool.processes;
    pool.dispose();
    await gone(pids);
  });
  after(() => {
    folder.remove();
    data.remove();
  });
  const request = () => ({
    model: folder.file("model.onnx"),
    output: folder.file("out.onnx"),
    units: [CONV2],
  });

  /** The folder holds the model and the old output, both as they were, and nothing else. */
  function untouched(model: Uint8Array = readFileSync(mnistCnn.model)): void {
    assert.deepEqual(readdirSync(folder.path).sort(), ["model.onnx", "out.onnx"]);
    assert.equal(readFileSync(folder.file("out.onnx"), "utf8"), "what was there before");
    assert.deepEqual(
      new Uint8Array(readFileSync(folder.file("model.onnx"))),
      new Uint8Array(model),
    );
  }

  it("leaves no file when the units cannot go", async () => {
    const units = [{ layer: "fc2", units: [1] }];
    const problem = await problemOf(prune(pool, { ...request(), units }));
    assert.deepEqual(
      [problem.code, problem.at],
      ["cannot-prune", { file: folder.file("model.onnx"), place: "fc2" }],
    );
    untouched();
    assert.deepEqual(pool.processes, []);
  });

  it("leaves no file when the pruned model does not do what the masked one does", async () => {
    // Both overflow: ∞ − ∞ is no small difference.
    const x = image("N", 2);
    const huge = (seed: number) => {
      const { shape, data } = normal([4, 4], seed);
      return { dtype: "float32" as const, shape, data: Float32Array.from(data, (v) => v * 1e30) };
    };
    const a = op("MatMul", {}, [x, weights([2, 4], 1)], "a");
    const { constant } = await import("#core/ir/graph.ts");
    const b = op("MatMul", {}, [a, constant(huge(2))], "b");
    const y = op("MatMul", {}, [b, constant(huge(3))], "c");
    const bytes = encode({ inputs: [x], outputs: [y] });
    writeFileSync(folder.file("model.onnx"), bytes);
    const units = [{ layer: "a", units: [0] }];
    const problem = await problemOf(prune(pool, { ...request(), units }));
    assert.equal(problem.code, "cannot-write");
    assert.match(problem.message, /differs from the masked one by NaN; nothing was written/);
    untouched(bytes);
  });

  it("leaves no file when the compute process is killed during the check", async () => {
    const running = prune(pool, { ...request(), data: digits });
    process.kill(await firstProcess(pool), "SIGKILL");
    assert.equal((await problemOf(running)).code, "compute-failed");
    untouched();
    assert.ok((await prune(pool, request())).maskedDifference! <= 1e-5);
  });

  it("leaves no file when it is cancelled", async () => {
    const abort = new AbortController();
    const control = { signal: abort.signal, progress: () => abort.abort() };
    const problem = await problemOf(prune(pool, { ...request(), data: digits }, control));
    assert.equal(problem.code, "cancelled");
    untouched();
  });

  it("leaves no file when the data cannot be read", async () => {
    const missing = { data: folder.file("nowhere.npy"), preprocess: {} };
    const problem = await problemOf(prune(pool, { ...request(), data: missing }));
    assert.equal(problem.code, "unreadable-data");
    untouched();
  });

  it("says that a folder is not there", async () => {
    const output = folder.file("nowhere/out.onnx");
    const problem = await problemOf(prune(pool, { ...request(), output }));
    assert.deepEqual([problem.code, problem.at], ["cannot-write", { file: output }]);
    untouched();
  });

  it("says that a folder is in the way, and leaves nothing beside it", async () => {
    const output = folder.file("taken.onnx");
    mkdirSync(output);
    const problem = await problemOf(prune(pool, { ...request(), output }));
    assert.deepEqual([problem.code, problem.at], ["cannot-write", { file: output }]);
    assert.deepEqual(readdirSync(folder.path).sort(), ["model.onnx", "out.onnx", "taken.onnx"]);
  });
});

/** The file on an engine against the masked original by the reference, which shares no code with it. */
async function equalsMasked(
  original: string,
  pruned: string,
  removed: readonly UnitSet[],
  engine: Engine = "onnxruntime",
) {
  const before = (await readModel(original)).graph;
  const planned = planPrune(before, removed);
  assert.ok("plan" in planned);
  const masked = maskUnits(before, planned.plan.masks);
  const after = bind((await readModel(pruned)).graph);
  const x = normal([BATCH, ...(before.inputs[0]!.shape.slice(1) as number[])], 3);
  const program = await (await engineOf(engine)).compile(after);
  const [found] = (await program.run([x])) as [Tensor];
  await program.release();
  const [expected] = evaluate(masked.outputs, new Map([[masked.inputs[0]!, x]])) as [Tensor];
  assertNear(found.data, expected.data, 1e-5);
}

const BATCH = 3;

function bind(graph: Graph): Graph {
  const bound = bindBatch(graph, BATCH);
  assert.ok(bound.kind === "bound");
  return bound.graph;
}

async function firstProcess(pool: Pool): Promise<number> {
  while (pool.processes.length === 0) await new Promise((resolve) => setImmediate(resolve));
  return pool.processes[0]!;
}

async function problemOf(work: Promise<unknown>): Promise<Problem> {
  const found = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  assert.ok(found instanceof ProblemError, String(found));
  return found.problem;
}
