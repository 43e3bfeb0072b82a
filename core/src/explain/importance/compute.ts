import type { Batch } from "../../data/dataset.ts";
import type { Graph } from "../../ir/graph.ts";
import { float32, known, type Tensor } from "../../ir/tensor.ts";
import type { Program, Runtime } from "../../runtime/runtime.ts";
import { correctIn } from "../correct.ts";
import { layersOf } from "../layers.ts";
import { paddedInput } from "../padding.ts";
import { classifies, type OutputKind, type Readout, readout } from "../readout.ts";
import { ACTIVATION_SUMS, type MomentOutput, type Programs, programs } from "./programs.ts";
import { emptyMoments, type Measure, type Moments, type Partial } from "./statistics.ts";
import { type Target, targetsOf } from "./targets.ts";

export interface ImportanceOptions {
  readonly outputs: OutputKind;
  readonly measures: readonly Measure[];
  /** Layers to measure; all when absent. */
  readonly layers?: readonly string[];
}

/** What a batch is turned into before the model sees it. */
export type Prepare = (batch: Batch) => Float32Array;

/** A model compiled for importance: runs shard by shard. */
export interface ImportanceRun {
  readonly targets: readonly Target[];
  readonly outputs: number;
  /** The sums over some batches, each of at most the graph's batch size. */
  run(batches: AsyncIterable<Batch>, prepare: Prepare): Promise<Partial>;
  release(): Promise<void>;
}

/** Number of classes of the data; 0 without labels. Contributions are per class. */
export async function compileImportance(
  runtime: Runtime,
  graph: Graph,
  options: ImportanceOptions,
  stacked?: number,
): Promise<ImportanceRun> {
  const read = readout(graph, options.outputs);
  const wanted = options.layers;
  const layers = layersOf(graph).filter((l) => wanted === undefined || wanted.includes(l.name));
  const targets = targetsOf(graph, layers);
  const classes = read.count > 1 ? read.count : 0;
  const built = programs(
    graph,
    read,
    targets,
    options.measures,
    stacked ?? chooseStack(read, targets),
    classes,
  );
  const primal = await runtime.compile(built.primal, REUSE);
  const moments = await runtime.compile(built.moments, REUSE);
  const contribution =
    built.contribution === undefined ? undefined : await runtime.compile(built.contribution, REUSE);
  const all = [primal, moments, ...(contribution === undefined ? [] : [contribution])];
  const run = batchRunner(graph, read, targets, built, { primal, moments, contribution }, classes);
  return {
    targets,
    outputs: read.count,
    async run(batches, prepare) {
      const sums = {
        samples: 0,
        labelled: 0,
        correct: 0,
        classCounts: new Float64Array(classes),
        moments: targets.map((t) => emptyMoments(t, read.count, options.measures, classes)),
      };
      for await (const batch of batches) {
        sums.samples += batch.count;
        const correct = await run(batch, prepare, sums);
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

/** A batch's results are added up before the next batch runs. */
const REUSE = { reuse: true };

/** Bytes of the largest derivative of one run: about what the caches hold. */
const STACK_BYTES = 2 << 20;
/** Share of cotangents in the last run that may be there only to fill it up. */
const FILLING = 0.1;

/** How many outputs run together: as many as the caches hold, in runs that are nearly all full. */
export function chooseStack({ count, y }: Readout, targets: readonly Target[]): number {
  const batch = known(y.shape)[0];
  const largest = targets.reduce((n, t) => Math.max(n, t.elements), 1);
  const most = Math.min(count, Math.floor(STACK_BYTES / (4 * batch * largest)));
  for (let stacked = most; stacked > 1; stacked--)
    if (Math.ceil(count / stacked) * stacked <= (1 + FILLING) * count) return stacked;
  return 1;
}

interface Compiled {
  readonly primal: Program;
  readonly moments: Program;
  readonly contribution: Program | undefined;
}

function batchRunner(
  graph: Graph,
  { count: m }: Readout,
  targets: readonly Target[],
  built: Programs,
  compiled: Compiled,
  classes: number,
) {
  const shape = known(graph.inputs[0].shape);
  const batch = shape[0];
  const layers = targets.filter((t) => t.layer !== "");
  const own = 1 + built.activationSums;
  const zeros = float32([batch, m], new Float32Array(batch * m));
  const wideZeros = float32(
    [built.stacked * batch, m],
    new Float32Array(built.stacked * batch * m),
  );
  const seeds = Array.from({ length: Math.ceil(m / built.stacked) }, (_, k) =>
    oneHot(built.stacked, batch, m, k * built.stacked),
  );
  return async (samples: Batch, prepare: Prepare, into: Partial): Promise<number> => {
    const x = paddedInput(prepare(samples), samples.count, shape);
    const weights = float32(
      [1, batch],
      Float32Array.from({ length: batch }, (_, i) => (i < samples.count ? 1 : 0)),
    );
    const results = await compiled.primal.run([x, weights]);
    for (let i = 1; i < own; i += ACTIVATION_SUMS) {
      const layer = layers[(i - 1) / ACTIVATION_SUMS];
      const moments = into.moments[targets.indexOf(layer)];
      add(moments.activation, results[i].data);
      add(moments.activationSquares, uncentred(results[i + 1], results[i], samples.count));
      add(moments.active, results[i + 2].data);
    }
    const residuals = results.slice(own);
    for (let k = 0; k < seeds.length; k++) {
      const sums = await compiled.moments.run([seeds[k], wideZeros, ...residuals, weights]);
      built.outputs.forEach((output, i) => {
        const rows =
          output.centred === true ? uncentred(sums[i], sums[i - 1], samples.count) : sums[i].data;
        accumulateRows(into.moments[output.target], output, rows, k * built.stacked, m);
      });
    }
    if (samples.labels === undefined) return 0;
    if (compiled.contribution !== undefined)
      await contribute(compiled.contribution, samples.labels, residuals, into);
    return correctIn(results[0], samples.labels);
  };

  async function contribute(
    program: Program,
    labels: Int32Array,
    residuals: readonly Tensor[],
    into: Partial,
  ) {
    const seed = new Float32Array(batch * m);
    const perClass = new Float32Array(classes * batch);
    labels.forEach((c, i) => {
      seed[i * m + c] = 1;
      perClass[c * batch + i] = 1;
      into.classCounts[c]++;
    });
    const results = await program.run([
      zeros,
      float32([batch, m], seed),
      ...residuals,
      float32([classes, batch], perClass),
    ]);
    layers.forEach((t, k) => {
      add(into.moments[targets.indexOf(t)].contribution, results[k].data);
    });
  }
}

/** Rows [s·B + b] have a one at column first + s; columns beyond m stay zero. */
function oneHot(stacked: number, batch: number, m: number, first: number): Tensor {
  const data = new Float32Array(stacked * batch * m);
  for (let s = 0; s < stacked && first + s < m; s++)
    for (let b = 0; b < batch; b++) data[(s * batch + b) * m + first + s] = 1;
  return float32([stacked * batch, m], data);
}

function add(into: Float64Array, values: ArrayLike<number>): void {
  for (let i = 0; i < into.length; i++) into[i] += values[i];
}

/** Σv² = Σ(v − v̄)² + (Σv)²/n of a batch of n samples, in float64. */
function uncentred({ data: centred }: Tensor, { data: sum }: Tensor, n: number): Float64Array {
  return Float64Array.from(centred, (square, i) => square + (sum[i] * sum[i]) / n);
}

/** Adds [S, 1, n] to the rows from `first` on of [m, n]; rows beyond m were padding. */
function accumulateRows(
  moments: Moments,
  { key, positions }: MomentOutput,
  data: ArrayLike<number>,
  first: number,
  m: number,
): void {
  const into = moments[key];
  const n = into.length / m;
  const rows = Math.min(data.length / n, m - first);
  for (let row = 0; row < rows; row++) {
    const from = row * n;
    const to = (first + row) * n;
    if (positions === undefined) for (let e = 0; e < n; e++) into[to + e] += data[from + e];
    else for (let e = 0; e < n; e++) into[to + positions[e]] += data[from + e];
  }
}
