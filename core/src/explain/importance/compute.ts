import { NotDifferentiable } from "../../autodiff/backward.ts";
import { constantOf, type Graph, type Node, topological } from "../../ir/graph.ts";
import { float32, known, size, type Tensor } from "../../ir/tensor.ts";
import { fail } from "../../problem.ts";
import type { Program, Runtime } from "../../runtime/runtime.ts";
import { correctIn } from "../correct.ts";
import { type Layer, layersOf } from "../layers.ts";
import { paddedInput } from "../padding.ts";
import { classifies, type OutputKind, type Readout, readout } from "../readout.ts";
import { chooseEstimator, cotangentsOf, type Estimator, rowsOf, runsOfBatch } from "./estimator.ts";
import { ACTIVATION_SUMS, type MomentOutput, type Programs, programs } from "./programs.ts";
import { emptyMoments, type Measure, type Moments, type Partial } from "./statistics.ts";
import { measurable, type Refusal, type Target } from "./targets.ts";

export interface ImportanceOptions {
  readonly outputs: OutputKind;
  readonly measures: readonly Measure[];
  /** Layers to measure; all when absent. */
  readonly layers?: readonly string[];
  /** Outputs one by one, or so many probes; by the number of outputs when absent. */
  readonly probes?: number | "exact";
  /** Of the probes. */
  readonly seed?: number;
  /** Which of the graph's outputs is explained; the first when absent. */
  readonly output?: number;
}

/** A batch of samples as the model takes them. */
export interface Feed {
  /** Index of the first sample. */
  readonly from: number;
  readonly count: number;
  /** One per graph input: count × elements. */
  readonly inputs: readonly Float32Array[];
  readonly labels?: Int32Array;
}

/** A model compiled for importance: runs shard by shard. */
export interface ImportanceRun {
  readonly targets: readonly Target[];
  readonly refusals: readonly Refusal[];
  readonly outputs: number;
  readonly estimator: Estimator;
  /** Backward runs per sample, with so many samples. */
  backwardRuns(samples: number): number;
  /**
   * The sums over some batches, each of the graph's batch size but for the last one.
   * @param samples of all the data: with probes, what a batch goes through depends on it
   */
  run(batches: AsyncIterable<Feed>, samples: number): Promise<Partial>;
  release(): Promise<void>;
}

const DEFAULT_SEED = 1;

/** Contributions are per class, where the outputs are gone through one by one. */
export async function compileImportance(
  runtime: Runtime,
  graph: Graph,
  options: ImportanceOptions,
  stacked?: number,
): Promise<ImportanceRun> {
  const read = readout(graph, options.outputs, options.output);
  const estimator = chooseEstimator(read.count, options.probes, options.seed ?? DEFAULT_SEED);
  const exact = estimator.kind === "exact";
  const wanted = options.layers;
  const layers = layersOf(graph).filter((l) => wanted === undefined || wanted.includes(l.name));
  const classes = exact && read.count > 1 ? read.count : 0;
  const rows = rowsOf(estimator, read.count);
  const empty = () =>
    targets.map((t) => emptyMoments(t, read.count, options.measures, classes, estimator));
  const build = (targets: readonly Target[]) =>
    programs(
      graph,
      read,
      targets,
      options.measures,
      stacked ?? chooseStack(rows, known(read.y.shape)[0], targets),
      classes,
      !exact,
    );
  const { built, targets, refusals } = buildable(graph, layers, read, build);
  if (exact) checkRoom(targets, read.count);
  checkTables(built.moments);
  const primal = await runtime.compile(built.primal, REUSE);
  const moments = targets.length === 0 ? undefined : await runtime.compile(built.moments, REUSE);
  const contribution =
    built.contribution === undefined ? undefined : await runtime.compile(built.contribution, REUSE);
  const all = [primal, moments, contribution].filter((p) => p !== undefined);
  const run = batchRunner(
    graph,
    read,
    targets,
    built,
    { primal, moments, contribution },
    estimator,
  );
  return {
    targets,
    refusals,
    outputs: read.count,
    estimator,
    backwardRuns: (samples) => run(samples).runs,
    async run(batches, samples) {
      const { runBatch } = run(samples);
      const sums = {
        samples: 0,
        pairs: 0,
        rowSamples: new Float64Array(rows),
        rowPairs: new Float64Array(rows),
        labelled: 0,
        correct: 0,
        classCounts: new Float64Array(classes),
        moments: empty(),
      };
      for await (const batch of batches) {
        sums.samples += batch.count;
        sums.pairs += batch.count ** 2;
        const correct = await runBatch(batch, sums);
        if (batch.labels === undefined || !classifies(read)) continue;
        sums.labelled += batch.count;
        sums.correct += correct;
      }
      return sums;
    },
    release: async () => {
      for (const program of all) await program.release();
    },
  };
}

/** Programs for all layers but those with an operator in the way whose gradient refuses it. */
function buildable(
  graph: Graph,
  layers: readonly Layer[],
  { y, z }: Readout,
  build: (targets: readonly Target[]) => Programs,
) {
  const refused = new Map<Node, string>();
  for (;;) {
    const { targets, refusals } = measurable(graph, layers, [y, z], refused);
    try {
      return { built: build(targets), targets, refusals };
    } catch (error) {
      if (!(error instanceof NotDifferentiable) || refused.has(error.node)) throw error;
      refused.set(error.node, error.message);
    }
  }
}

/** Bytes of sums up to which outputs are gone through one by one. */
const MOST_SUMS = 1 << 30;

function checkRoom(targets: readonly Target[], outputs: number): void {
  const bytes = targets.reduce((sum, t) => sum + 3 * 8 * outputs * t.elements, 0);
  if (bytes > MOST_SUMS)
    fail(
      "bad-request",
      `${outputs} outputs one by one take ${(bytes / 2 ** 30).toFixed(1)} GiB for the sums alone; take probes, or fewer layers`,
      "",
    );
}

/** A batch's results are added up before the next batch runs. */
const REUSE = { reuse: true };

/** Bytes of one constant up to which graphs can be written down. */
const LARGEST_TABLE = 2 ** 31;

/** Some gradients are products with tables that grow with the square of an axis. */
function checkTables({ outputs }: Graph): void {
  for (const { outputs: values } of topological(outputs)) {
    const table = constantOf(values[0]);
    if (table !== undefined && 4 * size(table.shape) > LARGEST_TABLE)
      fail(
        "compute-failed",
        `the derivative takes a table of [${table.shape.join(", ")}] numbers, more than can be run`,
        "",
      );
  }
}

/** Bytes of the largest derivative of one run: about what the caches hold. */
const STACK_BYTES = 2 << 20;
/** Share of cotangents in the last run that may be there only to fill it up. */
const FILLING = 0.1;

/** How many cotangents run together: as many as the caches hold, in runs that are nearly all full. */
export function chooseStack(rows: number, batch: number, targets: readonly Target[]): number {
  const largest = targets.reduce((n, t) => Math.max(n, t.elements), 1);
  const most = Math.min(rows, Math.floor(STACK_BYTES / (4 * batch * largest)));
  for (let stacked = most; stacked > 1; stacked--)
    if (Math.ceil(rows / stacked) * stacked <= (1 + FILLING) * rows) return stacked;
  return 1;
}

interface Compiled {
  readonly primal: Program;
  readonly moments: Program | undefined;
  readonly contribution: Program | undefined;
}

function batchRunner(
  graph: Graph,
  { count: m }: Readout,
  targets: readonly Target[],
  built: Programs,
  compiled: Compiled,
  estimator: Estimator,
) {
  const batch = known(graph.inputs[0].shape)[0];
  const layers = targets.filter((t) => t.layer !== "");
  const own = 1 + built.activationSums;
  const zeros = float32([batch, m], new Float32Array(batch * m));
  const wideZeros = float32(
    [built.stacked * batch, m],
    new Float32Array(built.stacked * batch * m),
  );
  const { stacked } = built;
  const cotangents = cotangentsOf(estimator, m, { batch, stacked, lengths: built.signs });
  const rows = rowsOf(estimator, m);
  return (total: number) => {
    const batches = Math.ceil(total / batch);
    const runsOf = runsOfBatch(estimator, { runs: cotangents.length, stacked, batches });
    return {
      runs: runsOf(0).length * stacked,
      runBatch: (samples: Feed, into: Partial) => run(samples, runsOf(samples.from / batch), into),
    };
  };

  async function run(samples: Feed, runs: readonly number[], into: Partial): Promise<number> {
    const x = graph.inputs.map((v, i) => paddedInput(samples.inputs[i], samples.count, v));
    const weights = float32(
      [1, batch],
      Float32Array.from({ length: batch }, (_, i) => (i < samples.count ? 1 : 0)),
    );
    const results = await compiled.primal.run([...x, weights]);
    for (let i = 1; i < own; i += ACTIVATION_SUMS) {
      const layer = layers[(i - 1) / ACTIVATION_SUMS];
      const moments = into.moments[targets.indexOf(layer)];
      const values = (samples.count * layer.elements) / layer.units;
      add(moments.activation, results[i].data);
      add(moments.activationSquares, uncentred(results[i + 1], results[i], values));
      add(moments.active, results[i + 2].data);
    }
    const residuals = results.slice(own);
    for (const k of compiled.moments === undefined ? [] : runs) {
      const { y, signs } = cotangents[k];
      for (let row = k * stacked; row < Math.min(rows, (k + 1) * stacked); row++) {
        into.rowSamples[row] += samples.count;
        into.rowPairs[row] += samples.count ** 2;
      }
      const sums = await compiled.moments!.run([y, wideZeros, ...residuals, ...signs, weights]);
      built.outputs.forEach((output, i) => {
        const rows =
          output.centred === true ? uncentred(sums[i], sums[i - 1], samples.count) : sums[i].data;
        accumulateRows(into.moments[output.target], output, rows, k * stacked);
      });
    }
    if (samples.labels === undefined) return 0;
    if (compiled.contribution !== undefined)
      await contribute(compiled.contribution, samples.labels, residuals, into);
    return correctIn(results[0], samples.labels);
  }

  async function contribute(
    program: Program,
    labels: Int32Array,
    residuals: readonly Tensor[],
    into: Partial,
  ) {
    const seed = new Float32Array(batch * m);
    const perClass = new Float32Array(m * batch);
    labels.forEach((c, i) => {
      seed[i * m + c] = 1;
      perClass[c * batch + i] = 1;
      into.classCounts[c]++;
    });
    const results = await program.run([
      zeros,
      float32([batch, m], seed),
      ...residuals,
      float32([m, batch], perClass),
    ]);
    layers.forEach((t, k) => {
      add(into.moments[targets.indexOf(t)].contribution, results[k].data);
    });
  }
}

function add(into: Float64Array, values: ArrayLike<number>): void {
  for (let i = 0; i < into.length; i++) into[i] += values[i];
}

/** Σv² = Σ(v − v̄)² + (Σv)²/n of a batch of n samples, in float64. */
function uncentred({ data: centred }: Tensor, { data: sum }: Tensor, n: number): Float64Array {
  return Float64Array.from(centred, (square, i) => square + (sum[i] * sum[i]) / n);
}

/** Adds [S, 1, n] to the rows from `first` on; rows beyond the last were padding, or are not kept. */
function accumulateRows(
  moments: Moments,
  { key, positions, length: n }: MomentOutput,
  data: ArrayLike<number>,
  first: number,
): void {
  const into = moments[key];
  const own = key === "sum" ? moments.batchSquares : moments.gateBatchSquares;
  const batches = (key === "sum" || key === "gateSum") && own.length > 0 ? own : undefined;
  const rows = Math.min(data.length, into.length - first * n) / n;
  for (let row = 0; row < rows; row++) {
    const from = row * n;
    const to = (first + row) * n;
    if (positions === undefined) for (let e = 0; e < n; e++) into[to + e] += data[from + e];
    else for (let e = 0; e < n; e++) into[to + positions[e]] += data[from + e];
    if (batches === undefined) continue;
    for (let e = 0; e < n; e++) batches[to + (positions?.[e] ?? e)] += data[from + e] ** 2;
  }
}
