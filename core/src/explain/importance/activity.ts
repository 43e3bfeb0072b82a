import { type Graph, input, type Value } from "../../ir/graph.ts";
import { float32, known, size, type Tensor } from "../../ir/tensor.ts";
import { abs } from "../../ops/abs.ts";
import { div } from "../../ops/div.ts";
import { literal } from "../../ops/literal.ts";
import { matMul } from "../../ops/matMul.ts";
import { mul } from "../../ops/mul.ts";
import { positive } from "../../ops/positive.ts";
import { reduceSum } from "../../ops/reduceSum.ts";
import { reshapeTo } from "../../ops/reshape.ts";
import { sub } from "../../ops/sub.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import { layersUpTo } from "../layers.ts";
import { paddedInput } from "../padding.ts";
import type { Feed, ImportanceRun } from "./compute.ts";
import { emptyMoments, type Moments, type Partial } from "./statistics.ts";
import { type Target, watchable } from "./targets.ts";

/** How many sums there are per target. */
const ACTIVATION_SUMS = 3;

/**
 * Σ a, Σ (a − ā)² about the batch's own mean ā, number of a ≠ 0 over the batch and a unit's positions,
 * weighted: each [1, units]. Squares about 0 would lose the variance of a unit whose mean is large.
 */
export function activationSums(
  { value, unitsLast, units, elements }: Target,
  weights: Value,
): Value[] {
  const n = elements / units;
  const batch = size(known(value.shape)) / elements;
  const a = reshapeTo(value, unitsLast ? [batch, n, units] : [batch, units, n]);
  const overPositions = (v: Value): Value =>
    n === 1
      ? reshapeTo(v, [batch, units])
      : reduceSum({ axes: [unitsLast ? 1 : 2], keepdims: 0 }, v);
  const sum = matMul({}, weights, overPositions(a));
  const count = reduceSum({ axes: [1], keepdims: 1 }, weights);
  const mean = div({}, sum, mul({}, count, literal(count, n)));
  const deviation = sub({}, a, reshapeTo(mean, unitsLast ? [1, 1, units] : [1, units, 1]));
  return [
    sum,
    matMul({}, weights, overPositions(mul({}, deviation, deviation))),
    matMul({}, weights, overPositions(positive(abs({}, a)))),
  ];
}

/** Adds the sums of a batch of `count` samples to the moments of the targets they are of. */
export function addActivity(
  results: readonly Tensor[],
  targets: readonly Target[],
  moments: readonly Moments[],
  count: number,
): void {
  targets.forEach((t, k) => {
    const [sum, centred, active] = results.slice(k * ACTIVATION_SUMS, (k + 1) * ACTIVATION_SUMS);
    add(moments[k].activation, sum.data);
    add(moments[k].activationSquares, uncentred(centred, sum, (count * t.elements) / t.units));
    add(moments[k].active, active.data);
  });
}

export function add(into: Float64Array, values: ArrayLike<number>): void {
  for (let i = 0; i < into.length; i++) into[i] += values[i];
}

/** Σv² = Σ(v − v̄)² + (Σv)²/n of a batch of n samples, in float64. */
export function uncentred(
  { data: centred }: Tensor,
  { data: sum }: Tensor,
  n: number,
): Float64Array {
  return Float64Array.from(centred, (square, i) => square + (sum[i] * sum[i]) / n);
}

/** 1 for each of the samples, 0 for what fills the batch: [1, B]. */
export const weightsOf = (count: number, batch: number): Tensor =>
  float32(
    [1, batch],
    Float32Array.from({ length: batch }, (_, i) => (i < count ? 1 : 0)),
  );

/**
 * What can be said without the model's outputs: how the activations of each layer spread, and how often
 * they are not 0.
 * @param because why the outputs are not there
 */
export async function compileActivity(
  runtime: Runtime,
  graph: Graph,
  because: string,
  wanted?: readonly string[],
): Promise<ImportanceRun> {
  const layers = layersUpTo(graph, 0).filter(
    (l) => wanted === undefined || wanted.includes(l.name),
  );
  const { watched, refusals } = watchable(graph, layers, because);
  const batch = known(graph.inputs[0].shape)[0];
  const weights = input("weights", "float32", [1, batch]);
  const outputs = watched.flatMap((t) => activationSums(t, weights));
  const program = await runtime.compile({ inputs: [...graph.inputs, weights], outputs });
  const estimator = { kind: "exact" } as const;
  return {
    targets: watched,
    refusals,
    outputs: 0,
    estimator,
    backwardRuns: () => 0,
    async run(batches: AsyncIterable<Feed>) {
      const moments = watched.map((t) => emptyMoments(t, 0, ["activity"], 0, estimator));
      let [samples, pairs] = [0, 0];
      for await (const { count, inputs } of batches) {
        const x = graph.inputs.map((v, i) => paddedInput(inputs[i], count, v));
        const results = await program.run([...x, weightsOf(count, batch)]);
        addActivity(results, watched, moments, count);
        samples += count;
        pairs += count ** 2;
      }
      return { ...NOTHING_LABELLED, samples, pairs, moments };
    },
    release: () => program.release(),
  };
}

const NOTHING_LABELLED: Omit<Partial, "samples" | "pairs" | "moments"> = {
  labelled: 0,
  correct: 0,
  classCounts: new Float64Array(0),
  rowSamples: new Float64Array(0),
  rowPairs: new Float64Array(0),
};
