import type { Graph } from "../../ir/graph.ts";
import { float32, known, type Tensor } from "../../ir/tensor.ts";
import type { Program } from "../../runtime/runtime.ts";
import { correctIn } from "../correct.ts";
import { paddedInput } from "../padding.ts";
import type { Readout } from "../readout.ts";
import { add, addActivity, uncentred, weightsOf } from "./activity.ts";
import type { Feed } from "./compute.ts";
import { cotangentsOf, type Estimator, rowsOf, runsOfBatch } from "./estimator.ts";
import type { MomentOutput, Programs } from "./programs.ts";
import type { Moments, Partial } from "./statistics.ts";
import type { Measurable } from "./targets.ts";

interface Compiled {
  readonly primal: Program;
  readonly moments: Program | undefined;
  readonly contribution: Program | undefined;
}

/** Runs batches one by one and adds what they give to the sums. */
export function batchRunner(
  graph: Graph,
  { count: m }: Readout,
  { targets, watched }: Pick<Measurable, "targets" | "watched">,
  built: Programs,
  compiled: Compiled,
  estimator: Estimator,
) {
  const batch = known(graph.inputs[0].shape)[0];
  const all = [...targets, ...watched];
  const layers = targets.filter((t) => t.layer !== "");
  const active = built.activationSums > 0 ? [...layers, ...watched] : [];
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
    const weights = weightsOf(samples.count, batch);
    const results = await compiled.primal.run([...x, weights]);
    const moments = active.map((t) => into.moments[all.indexOf(t)]);
    addActivity(results.slice(1, own), active, moments, samples.count);
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
