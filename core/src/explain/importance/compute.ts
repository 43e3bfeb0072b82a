import { NotDifferentiable } from "../../autodiff/backward.ts";
import { constantOf, type Graph, type Node, topological } from "../../ir/graph.ts";
import { known, size } from "../../ir/tensor.ts";
import { fail } from "../../problem.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import { type Layer, layersUpTo } from "../layers.ts";
import { classifies, type OutputKind, type Readout, readout } from "../readout.ts";
import { chooseEstimator, type Estimator, rowsOf } from "./estimator.ts";
import { type Programs, programs } from "./programs.ts";
import { batchRunner } from "./runner.ts";
import { emptyMoments, type Measure, type Partial } from "./statistics.ts";
import { type Measurable, measurable, type Refusal, type Target } from "./targets.ts";

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
  /** How many of the graph's outputs, the first ones, are the model's; all when absent. */
  readonly own?: number;
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
  const layers = layersUpTo(graph, options.own ?? graph.outputs.length).filter(
    (l) => wanted === undefined || wanted.includes(l.name),
  );
  const classes = exact && read.count > 1 ? read.count : 0;
  const rows = rowsOf(estimator, read.count);
  const empty = () =>
    all.map((t) => emptyMoments(t, read.count, options.measures, classes, estimator));
  const build = (found: Measurable) =>
    programs(
      graph,
      read,
      found,
      options.measures,
      stacked ?? chooseStack(rows, known(read.y.shape)[0], found.targets),
      classes,
      !exact,
    );
  const { built, found } = buildable(graph, layers, read, build);
  const { targets, refusals } = found;
  const watched = options.measures.includes("activity") ? found.watched : [];
  const all = [...targets, ...watched];
  if (exact) checkRoom(targets, read.count);
  checkTables(built.moments);
  const primal = await runtime.compile(built.primal, REUSE);
  const moments = targets.length === 0 ? undefined : await runtime.compile(built.moments, REUSE);
  const contribution =
    built.contribution === undefined ? undefined : await runtime.compile(built.contribution, REUSE);
  const run = batchRunner(
    graph,
    read,
    { targets, watched },
    built,
    { primal, moments, contribution },
    estimator,
  );
  return {
    targets: all,
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
      for (const program of [primal, moments, contribution]) await program?.release();
    },
  };
}

/** Programs for all layers but those with an operator in the way whose gradient refuses it. */
function buildable(
  graph: Graph,
  layers: readonly Layer[],
  { y, z }: Readout,
  build: (found: Measurable) => Programs,
) {
  const refused = new Map<Node, string>();
  for (;;) {
    const found = measurable(graph, layers, [y, z], refused);
    try {
      return { built: build(found), found };
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
